// The scalar loops, which are the oracle of every other level. Their own: the formulas in double, and sums with a closed form.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>
#include <vector>

#include "kernels/support.hpp"
#include "tempera/core/kernels/table.hpp"

namespace {

using namespace tempera::test;
using tempera::core::Isa;
using tempera::core::KernelTable;

const KernelTable& scalar() { return tempera::core::kernels_of(Isa::kScalar); }

// What is beyond float is infinite there; the conversion itself is undefined for it.
float rounded(double x) {
  constexpr auto kMost = static_cast<double>(std::numeric_limits<float>::max());
  if (std::abs(x) > kMost)
    return std::copysign(std::numeric_limits<float>::infinity(), static_cast<float>(x > 0 ? 1 : -1));
  return static_cast<float>(x);
}

double normal_cdf(double x) { return std::erfc(-x / std::numbers::sqrt2) / 2; }
double normal_density(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi); }

struct UnaryCase {
  std::string name;
  KernelTable::Unary KernelTable::*kernel;
  double (*formula)(double);
  double low, high, ulps;
  double absolute = kTiny;
};

const std::vector<UnaryCase> kUnary{
    {"exp", &KernelTable::exp, [](double x) { return std::exp(x); }, -90, 88, 2},
    {"log", &KernelTable::log, [](double x) { return std::log(x); }, 1e-6, 1e6, 2},
    {"sqrt", &KernelTable::sqrt, [](double x) { return std::sqrt(x); }, 0, 1e6, 1},
    {"relu", &KernelTable::relu, [](double x) { return x < 0 ? 0 : x; }, -2, 2, 0},
    {"gelu", &KernelTable::gelu, [](double x) { return x * normal_cdf(x); }, -6, 6, 8, 2e-7},
    {"sigmoid", &KernelTable::sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, -90, 90, 4},
    {"tanh", &KernelTable::tanh, [](double x) { return std::tanh(x); }, -10, 10, 2},
    {"softplus", &KernelTable::softplus, [](double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); },
     -80, 90, 4},
};

struct BinaryCase {
  std::string name;
  KernelTable::Binary KernelTable::*kernel;
  double (*formula)(double, double);
  double ulps = 0;
  double absolute = 0;
};

const std::vector<BinaryCase> kBinary{
    {"add", &KernelTable::add, [](double a, double b) { return a + b; }},
    {"sub", &KernelTable::sub, [](double a, double b) { return a - b; }},
    {"mul", &KernelTable::mul, [](double a, double b) { return a * b; }},
    {"div", &KernelTable::div, [](double a, double b) { return a / b; }},
    {"relu_grad", &KernelTable::relu_grad, [](double dy, double y) { return y > 0 ? dy : 0; }},
    {"sigmoid_grad", &KernelTable::sigmoid_grad, [](double dy, double y) { return dy * y * (1 - y); }, 4},
    {"tanh_grad", &KernelTable::tanh_grad, [](double dy, double y) { return dy * (1 - y * y); }, 4, 2 * kUlp},
    {"gelu_grad", &KernelTable::gelu_grad,
     [](double dy, double x) { return dy * (normal_cdf(x) + x * normal_density(x)); }, 8, 4 * kUlp},
};

// −1 or the first value of a row that is not close to the formula's.
std::int64_t first_far_in(std::span<const float> computed, const std::vector<double>& expected, double ulps,
                          double absolute) {
  std::vector<float> values(expected.size());
  std::ranges::transform(expected, values.begin(), rounded);
  return first_far(computed, values, ulps * kUlp, absolute);
}

std::vector<double> log_softmax(std::span<const float> x) {
  const auto largest = static_cast<double>(*std::ranges::max_element(x));
  double sum = 0;
  for (const float v : x) sum += std::exp(static_cast<double>(v) - largest);
  std::vector<double> y;
  for (const float v : x) y.push_back(static_cast<double>(v) - largest - std::log(sum));
  return y;
}

std::vector<double> softmax(std::span<const float> x) {
  std::vector<double> y = log_softmax(x);
  for (double& v : y) v = std::exp(v);
  return y;
}

constexpr std::int64_t kRows = 3;
const std::vector<std::int64_t> kColumns{1, 2, 10, 17, 128, 1009};

}  // namespace

TEST_CASE("the scalar functions of one argument are their formulas in double, special values included") {
  for (const UnaryCase& c : kUnary) {
    CAPTURE(c.name);
    for (const std::vector<float>& x : {uniform(4099, c.low, c.high, 21), kSpecial}) {
      std::vector<float> y(x.size());
      (scalar().*c.kernel)(static_cast<std::int64_t>(x.size()), x.data(), y.data());
      std::vector<double> expected;
      for (const float v : x) expected.push_back(c.formula(static_cast<double>(v)));
      const std::int64_t far = first_far_in(y, expected, c.ulps, c.absolute);
      if (far >= 0) CAPTURE(x[static_cast<std::size_t>(far)]);
      CHECK(far == -1);
    }
  }
}

TEST_CASE(
    "the scalar functions of two arguments are their formulas in double, rounded once where they are one operation") {
  const std::vector<float> a = uniform(4099, -2, 2, 22), b = uniform(4099, -1, 1, 23);
  for (const BinaryCase& c : kBinary) {
    CAPTURE(c.name);
    std::vector<float> y(a.size());
    (scalar().*c.kernel)(static_cast<std::int64_t>(a.size()), a.data(), b.data(), y.data());
    std::vector<double> expected;
    for (std::size_t i = 0; i < a.size(); ++i) {
      expected.push_back(c.formula(static_cast<double>(a[i]), static_cast<double>(b[i])));
    }
    CHECK(first_far_in(y, expected, c.ulps, c.absolute) == -1);
  }
}

TEST_CASE("the scalar operations with a number are a + b, a·b and y + a·x") {
  const std::vector<float> x = uniform(1009, -3, 3, 24), before = uniform(1009, -3, 3, 25);
  std::vector<float> sum(x.size()), product(x.size()), moved = before;
  scalar().add_scalar(1009, x.data(), 1.7F, sum.data());
  scalar().mul_scalar(1009, x.data(), 1.7F, product.data());
  scalar().axpy(1009, -0.3F, x.data(), moved.data());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto v = static_cast<double>(x[i]);
    CHECK(sum[i] == static_cast<float>(v + static_cast<double>(1.7F)));
    CHECK(product[i] == static_cast<float>(v * static_cast<double>(1.7F)));
    const double expected = static_cast<double>(before[i]) + static_cast<double>(-0.3F) * v;
    CHECK(close(moved[i], static_cast<float>(expected), kUlp, kUlp));
  }
}

TEST_CASE(
    "the scalar sums of 1 to n are n(n+1)/2, of their squares n(n+1)(2n+1)/6, and of columns what stands above them") {
  for (const std::int64_t n : kSizes) {
    CAPTURE(n);
    std::vector<float> x(static_cast<std::size_t>(n));
    std::iota(x.begin(), x.end(), 1.0F);
    const std::int64_t sum = n * (n + 1) / 2, squares = n * (n + 1) * (2 * n + 1) / 6;
    CHECK(scalar().sum(n, x.data()) == static_cast<float>(sum));
    CHECK(scalar().sum_squares(n, x.data()) == static_cast<float>(squares));
    std::vector<float> sums(static_cast<std::size_t>(n), 0.5F), rows;
    for (int r = 0; r < 4; ++r) rows.insert(rows.end(), x.begin(), x.end());
    scalar().column_sum(4, n, rows.data(), sums.data());
    for (std::size_t c = 0; c < sums.size(); ++c) CHECK(sums[c] == 4 * x[c] + 0.5F);
  }
}

TEST_CASE("the scalar softmax, its logarithm and its gradient are their formulas in double") {
  for (const std::int64_t n : kColumns) {
    CAPTURE(n);
    const auto size = static_cast<std::size_t>(n);
    for (const double shift : {0.0, 1000.0, -1000.0}) {
      const std::vector<float> x = uniform(kRows * n, shift - 9, shift + 9, 26), dy = uniform(kRows * n, -1, 1, 27);
      std::vector<float> y(x.size()), log_y(x.size()), dx(x.size());
      scalar().softmax(kRows, n, x.data(), y.data());
      scalar().log_softmax(kRows, n, x.data(), log_y.data());
      scalar().softmax_grad(kRows, n, dy.data(), y.data(), dx.data());
      for (std::size_t r = 0; r < kRows; ++r) {
        const std::span<const float> row = std::span(x).subspan(r * size, size);
        const std::vector<double> p = softmax(row);
        CHECK(first_far_in(std::span(y).subspan(r * size, size), p, 16, kTiny) == -1);
        CHECK(first_far_in(std::span(log_y).subspan(r * size, size), log_softmax(row), 4, 8 * kUlp) == -1);
        double dot = 0;
        for (std::size_t c = 0; c < size; ++c) dot += p[c] * static_cast<double>(dy[r * size + c]);
        std::vector<double> gradient;
        for (std::size_t c = 0; c < size; ++c) gradient.push_back(p[c] * (static_cast<double>(dy[r * size + c]) - dot));
        CHECK(first_far_in(std::span(dx).subspan(r * size, size), gradient, 16, 8 * kUlp) == -1);
      }
    }
  }
}

TEST_CASE("the scalar cross-entropy is −Σ t·log softmax(x), and its gradient scale·(softmax(x) − t), in double") {
  for (const std::int64_t n : kColumns) {
    for (const float smoothing : {0.0F, 0.1F}) {
      CAPTURE(n);
      CAPTURE(smoothing);
      const auto size = static_cast<std::size_t>(n);
      const std::vector<float> x = uniform(kRows * n, -9, 9, 28);
      const std::vector<std::int32_t> labels{0, static_cast<std::int32_t>(n / 2), static_cast<std::int32_t>(n - 1)};
      std::vector<float> loss(kRows), grad(x.size());
      scalar().cross_entropy(kRows, n, x.data(), labels.data(), smoothing, 0.25F, loss.data(), grad.data());
      for (std::size_t r = 0; r < kRows; ++r) {
        const std::span<const float> row = std::span(x).subspan(r * size, size);
        const std::vector<double> p = softmax(row), log_p = log_softmax(row);
        const auto share = static_cast<double>(smoothing);
        double expected = 0;
        std::vector<double> gradient;
        for (std::size_t c = 0; c < size; ++c) {
          const double target =
              share / static_cast<double>(n) + (static_cast<std::size_t>(labels[r]) == c ? 1 - share : 0);
          expected -= target * log_p[c];
          gradient.push_back(0.25 * (p[c] - target));
        }
        CHECK(close(loss[r], static_cast<float>(expected), 8 * kUlp, 32 * kUlp));
        CHECK(first_far_in(std::span(grad).subspan(r * size, size), gradient, 16, 2 * kUlp) == -1);
      }
    }
  }
}
