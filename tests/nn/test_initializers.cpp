// Oracles: the bounds and deviations of the papers and of torch.nn.init, written out by hand.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "tempera/core/config/reader.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/nn/initializers.hpp"

namespace {

using namespace tempera;
using nn::InitializerRegistry;

core::Tensor filled(const core::Shape& shape, const std::string& type, const std::string& options = "{}") {
  const InitializerRegistry& registry = InitializerRegistry::builtin();
  const auto config = registry.create(type);
  core::read_json(options, type, [&](core::FieldVisitor& v) { config->fields(v); });
  core::Tensor tensor(shape);
  registry.make(*config)->fill(tensor, core::Random(3, "w"));
  return tensor;
}

double mean(const core::Tensor& t) {
  double sum = 0;
  for (const Scalar v : t.values()) sum += static_cast<double>(v);
  return sum / static_cast<double>(t.numel());
}

double deviation(const core::Tensor& t) {
  double sum = 0;
  for (const Scalar v : t.values()) sum += static_cast<double>(v) * static_cast<double>(v);
  return std::sqrt(sum / static_cast<double>(t.numel()) - mean(t) * mean(t));
}

double largest(const core::Tensor& t) {
  return std::abs(static_cast<double>(std::ranges::max(t.values(), {}, [](Scalar v) { return std::abs(v); })));
}

// Half a percent is six standard errors of the deviation of 400·50·9 numbers.
constexpr double kWithin = 0.006;
const core::Shape kFilters{400, 50, 3, 3};

TEST_CASE("fans count the receptive field: [out, in, kernel, kernel]") {
  CHECK(nn::fans({20, 7, 5, 3}).in == 7 * 15);
  CHECK(nn::fans({20, 7, 5, 3}).out == 20 * 15);
  CHECK(nn::fans({10, 784}).in == 784);
  CHECK_THROWS_AS(static_cast<void>(nn::fans({10})), core::ShapeError);
}

TEST_CASE("Kaiming's normal has deviation √(2/fan_in), and by fan_out √(2/fan_out)") {
  CHECK(deviation(filled(kFilters, "kaiming_normal")) == doctest::Approx(std::sqrt(2.0 / 450)).epsilon(kWithin));
  CHECK(deviation(filled(kFilters, "kaiming_normal", R"({"fan": "fan_out"})")) ==
        doctest::Approx(std::sqrt(2.0 / 3600)).epsilon(kWithin));
}

TEST_CASE("the default start of linear and convolution is uniform within ±1/√fan_in, as PyTorch's") {
  core::Tensor weight(kFilters);
  nn::weight_initializer(nn::default_weight_init(), kFilters)->fill(weight, core::Random(3, "w"));
  const double bound = 1.0 / std::sqrt(450.0);
  CHECK(largest(weight) <= bound * (1 + 1e-7));
  CHECK(largest(weight) == doctest::Approx(bound).epsilon(0.001));
  CHECK(deviation(weight) == doctest::Approx(bound / std::sqrt(3.0)).epsilon(kWithin));
  core::Tensor bias({4000});
  nn::weight_initializer({}, kFilters)->fill(bias, core::Random(3, "b"));
  CHECK(largest(bias) == doctest::Approx(bound).epsilon(0.01));
}

TEST_CASE("Xavier's bounds count both fans") {
  CHECK(deviation(filled(kFilters, "xavier_normal")) == doctest::Approx(std::sqrt(2.0 / 4050)).epsilon(kWithin));
  CHECK(largest(filled(kFilters, "xavier_uniform", R"({"gain": 2})")) ==
        doctest::Approx(2 * std::sqrt(6.0 / 4050)).epsilon(0.001));
}

TEST_CASE("normal, uniform and constant do as their names say") {
  const core::Tensor normal = filled(kFilters, "normal", R"({"mean": 2, "deviation": 0.5})");
  CHECK(mean(normal) == doctest::Approx(2.0).epsilon(0.003));
  CHECK(deviation(normal) == doctest::Approx(0.5).epsilon(kWithin));
  const core::Tensor uniform = filled(kFilters, "uniform", R"({"low": 1, "high": 3})");
  CHECK(std::ranges::min(uniform.values()) >= 1);
  CHECK(std::ranges::max(uniform.values()) <= 3);
  CHECK(mean(uniform) == doctest::Approx(2.0).epsilon(0.003));
  CHECK(std::ranges::all_of(filled({5}, "constant", R"({"value": 0.25})").values(),
                            [](Scalar v) { return v == Scalar(0.25); }));
}

// Σ_k of row a times row b of [out, rest]
double product(const core::Tensor& m, std::int64_t a, std::int64_t b) {
  const std::int64_t n = m.numel() / m.dim(0);
  double sum = 0;
  for (std::int64_t k = 0; k < n; ++k)
    sum += static_cast<double>(m.data()[a * n + k]) * static_cast<double>(m.data()[b * n + k]);
  return sum;
}

TEST_CASE("rows of an orthogonal start are at right angles and as long as the gain") {
  const core::Tensor wide = filled({12, 5, 2, 2}, "orthogonal", R"({"gain": 3})");
  for (std::int64_t a = 0; a < 12; ++a) {
    for (std::int64_t b = 0; b <= a; ++b) CHECK(std::abs(product(wide, a, b) - (a == b ? 9.0 : 0.0)) < 1e-5);
  }
  // More rows than columns: the columns are orthonormal instead, so the squares add up to the number of columns.
  const core::Tensor tall = filled({9, 4}, "orthogonal");
  double squares = 0;
  for (std::int64_t a = 0; a < 9; ++a) squares += product(tall, a, a);
  CHECK(squares == doctest::Approx(4.0).epsilon(1e-6));
}

TEST_CASE("a uniform start whose low end is above its high end is refused") {
  CHECK_THROWS_AS(filled({5}, "uniform", R"({"low": 1, "high": 0})"), core::ConfigError);
}

}  // namespace
