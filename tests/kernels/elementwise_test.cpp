// Oracle: the scalar loops, which call the C library's functions and are held to their formulas in scalar_test.cpp.
// Buffers end at pages without access.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "kernels/support.hpp"
#include "tempera/core/kernels/table.hpp"
#include "tempera/core/random.hpp"

namespace {

using namespace tempera::test;
using tempera::core::Isa;
using tempera::core::kernels;
using tempera::core::kernels_of;
using tempera::core::KernelTable;

struct UnaryCase {
  std::string name;
  KernelTable::Unary KernelTable::*kernel;
  double ulps, low, high;
  double absolute = kTiny;
};

const std::vector<UnaryCase> kUnary{
    {"exp", &KernelTable::exp, 4, -90, 88},        {"log", &KernelTable::log, 4, 1e-6, 1e6},
    {"sqrt", &KernelTable::sqrt, 1, 0, 1e6},       {"relu", &KernelTable::relu, 0, -2, 2},
    {"gelu", &KernelTable::gelu, 64, -3, 6, 1e-6}, {"sigmoid", &KernelTable::sigmoid, 6, -90, 90},
    {"tanh", &KernelTable::tanh, 6, -10, 10},      {"softplus", &KernelTable::softplus, 8, -80, 90},
};

struct BinaryCase {
  std::string name;
  KernelTable::Binary KernelTable::*kernel;
  double ulps;
  double absolute = kTiny;
};

const std::vector<BinaryCase> kBinary{
    {"add", &KernelTable::add, 0},
    {"sub", &KernelTable::sub, 0},
    {"mul", &KernelTable::mul, 0},
    {"div", &KernelTable::div, 0},
    {"relu_grad", &KernelTable::relu_grad, 0},
    {"sigmoid_grad", &KernelTable::sigmoid_grad, 4},
    {"tanh_grad", &KernelTable::tanh_grad, 4, 1e-6},
    {"gelu_grad", &KernelTable::gelu_grad, 64, 1e-5},
};

std::vector<float> apply(const KernelTable& table, const UnaryCase& c, const std::vector<float>& x, bool in_place) {
  Guarded<float> in(x), out(x.size());
  float* y = in_place ? in.data() : out.data();
  (table.*c.kernel)(static_cast<std::int64_t>(x.size()), in.data(), y);
  return in_place ? in.values() : out.values();
}

std::vector<float> apply(const KernelTable& table, const BinaryCase& c, const std::vector<float>& a,
                         const std::vector<float>& b, bool in_place) {
  Guarded<float> first(a), second(b), out(a.size());
  float* y = in_place ? second.data() : out.data();
  (table.*c.kernel)(static_cast<std::int64_t>(a.size()), first.data(), second.data(), y);
  return in_place ? second.values() : out.values();
}

// Every pair of special values.
std::pair<std::vector<float>, std::vector<float>> special_pairs() {
  std::vector<float> a, b;
  for (const float x : kSpecial) {
    for (const float y : kSpecial) {
      a.push_back(x);
      b.push_back(y);
    }
  }
  return {a, b};
}

}  // namespace

TEST_CASE("functions of one argument agree with the C library at every size and touch nothing outside") {
  const KernelTable& scalar = kernels_of(Isa::kScalar);
  for (const UnaryCase& c : kUnary) {
    CAPTURE(c.name);
    for (const std::int64_t n : kSizes) {
      CAPTURE(n);
      const std::vector<float> x = uniform(n, c.low, c.high, 1);
      const std::vector<float> expected = apply(scalar, c, x, false);
      CHECK(first_far(apply(kernels(), c, x, false), expected, c.ulps * kUlp, c.absolute) == -1);
      CHECK(first_far(apply(kernels(), c, x, true), expected, c.ulps * kUlp, c.absolute) == -1);
    }
  }
}

TEST_CASE("functions of one argument treat zeros, denormals, infinities and NaN as the C library does") {
  for (const UnaryCase& c : kUnary) {
    CAPTURE(c.name);
    const std::vector<float> expected = apply(kernels_of(Isa::kScalar), c, kSpecial, false);
    const std::vector<float> computed = apply(kernels(), c, kSpecial, false);
    for (std::size_t i = 0; i < kSpecial.size(); ++i) {
      CAPTURE(kSpecial[i]);
      CAPTURE(expected[i]);
      CAPTURE(computed[i]);
      CHECK(close(computed[i], expected[i], c.ulps * kUlp, c.absolute));
    }
  }
}

TEST_CASE("functions of two arguments agree with the scalar loops, special values included") {
  const auto [left, right] = special_pairs();
  for (const BinaryCase& c : kBinary) {
    CAPTURE(c.name);
    const auto check = [&c](const std::vector<float>& a, const std::vector<float>& b) {
      const std::vector<float> expected = apply(kernels_of(Isa::kScalar), c, a, b, false);
      const std::int64_t far = first_far(apply(kernels(), c, a, b, false), expected, c.ulps * kUlp, c.absolute);
      if (far >= 0) {
        CAPTURE(a[static_cast<std::size_t>(far)]);
        CAPTURE(b[static_cast<std::size_t>(far)]);
        CAPTURE(expected[static_cast<std::size_t>(far)]);
        CHECK(far == -1);
      }
      CHECK(first_far(apply(kernels(), c, a, b, true), expected, c.ulps * kUlp, c.absolute) == -1);
    };
    for (const std::int64_t n : kSizes) check(uniform(n, -2, 2, 3), uniform(n, -1, 1, 4));
    check(left, right);
  }
}

TEST_CASE("operations with a number agree with the scalar loops") {
  const KernelTable& scalar = kernels_of(Isa::kScalar);
  for (const std::int64_t n : kSizes) {
    CAPTURE(n);
    const std::vector<float> x = uniform(n, -3, 3, 5);
    for (const auto kernel : {&KernelTable::add_scalar, &KernelTable::mul_scalar}) {
      Guarded<float> in(x), out(x.size()), expected(x.size());
      (kernels().*kernel)(n, in.data(), 1.7F, out.data());
      (scalar.*kernel)(n, in.data(), 1.7F, expected.data());
      CHECK(first_far(out.values(), expected.values(), 0, 0) == -1);
    }
    Guarded<float> in(x), sum(x), expected(x);
    kernels().axpy(n, -0.3F, in.data(), sum.data());
    scalar.axpy(n, -0.3F, in.data(), expected.data());
    CHECK(first_far(sum.values(), expected.values(), kUlp, kUlp) == -1);
  }
}

TEST_CASE("bytes become normalised numbers, all 256 of them and at every size") {
  for (const std::int64_t n : kSizes) {
    CAPTURE(n);
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 7);
    Guarded<std::uint8_t> in(bytes);
    Guarded<float> out(bytes.size());
    kernels().normalize_u8(n, in.data(), 1.0F / 255, -0.1307F, out.data());
    const std::vector<float> y = out.values();
    for (std::size_t i = 0; i < bytes.size(); ++i)
      CHECK(y[i] == std::fma(static_cast<float>(bytes[i]), 1.0F / 255, -0.1307F));
  }
}

// What integers a network is fed with depends on the last bit of its pixels where they lie on ties. Oracle: fma of the library.
TEST_CASE("normalised bytes have one rounding on every level") {
  std::vector<std::uint8_t> bytes(256);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  std::vector<std::pair<float, float>> pairs{{2.0F / 255, -1.0F}, {1.0F / 255, 0.0F}, {0.0F, 3.0F}, {-0.5F, 1e-40F}};
  const tempera::core::Random random(5, "normalised");
  for (std::uint64_t i = 0; i < 400; ++i) {
    const auto magnitude = static_cast<int>(random.uniform(3 * i) * 40) - 20;  // of one beside the other
    const auto scale = static_cast<float>(random.uniform(3 * i + 1) + 0.01);
    pairs.emplace_back(scale, std::ldexp(static_cast<float>(random.uniform(3 * i + 2) - 0.5), magnitude));
  }
  std::vector<float> y(256);
  std::size_t off = 0;
  for (const auto& [scale, shift] : pairs) {
    kernels().normalize_u8(256, bytes.data(), scale, shift, y.data());
    for (std::size_t i = 0; i < 256; ++i) off += y[i] == std::fma(static_cast<float>(i), scale, shift) ? 0 : 1;
  }
  CHECK(off == 0);
}
