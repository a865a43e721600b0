// Operations against PyTorch. Oracle: tests/golden/ops.json, made in double precision by tests/golden/make_ops.py.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tempera/core/ops/activations.hpp"
#include "tempera/core/ops/conv2d.hpp"
#include "tempera/core/ops/norm.hpp"
#include "tempera/core/ops/pool2d.hpp"
#include "tempera/core/ops/softmax.hpp"

namespace tempera::core {
namespace {

using Json = nlohmann::json;
using Variables = std::vector<Variable>;
using Run = Variable (*)(const Variables& in, const Json& options, const Json& extra);

// Sums of a few dozen terms of size about 1, in the precision of the build.
constexpr double kTolerance = sizeof(Scalar) == sizeof(double) ? 2e-8 : 2e-5;

Tensor tensor(const Json& json) {
  const auto extents = json.at("shape").get<std::vector<std::int64_t>>();
  const auto values = json.at("values").get<std::vector<Scalar>>();
  return Tensor(Shape(std::span<const std::int64_t>(extents)), std::span<const Scalar>(values));
}

double worst_difference(const Tensor& got, const Json& expected) {
  const auto values = expected.at("values").get<std::vector<double>>();
  const auto extents = expected.at("shape").get<std::vector<std::int64_t>>();
  REQUIRE(got.shape() == Shape(std::span<const std::int64_t>(extents)));
  double worst = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double scale = std::max(1.0, std::abs(values[i]));
    worst = std::max(worst, std::abs(static_cast<double>(got.data()[i]) - values[i]) / scale);
  }
  return worst;
}

std::array<std::int64_t, 2> pair(const Json& options, const char* name) { return options.at(name); }

Variable run_conv2d(const Variables& in, const Json& o, const Json&) {
  return conv2d(in[0], in[1], in[2],
                {.stride = pair(o, "stride"),
                 .padding = pair(o, "padding"),
                 .dilation = pair(o, "dilation"),
                 .groups = o.at("groups"),
                 .relu = o.at("relu")});
}

Pool2dOptions pool_options(const Json& o) {
  return {.size = pair(o, "size"), .stride = pair(o, "stride"), .padding = pair(o, "padding")};
}

Variable run_batch_norm(const Variables& in, const Json& o, const Json& extra) {
  const Tensor mean = tensor(extra.at("mean"));
  if (!o.at("training").get<bool>()) {
    return batch_norm_evaluation(in[0], in[1], in[2], mean, tensor(extra.at("variance")));
  }
  const BatchNormResult result = batch_norm_training(in[0], in[1], in[2]);
  CHECK(worst_difference(result.mean, extra.at("mean")) < kTolerance);
  CHECK(worst_difference(result.unbiased_variance, extra.at("unbiased_variance")) < kTolerance);
  return result.output;
}

const std::map<std::string, Run>& operations() {
  static const std::map<std::string, Run> all{
      {"conv2d", run_conv2d},
      {"max_pool2d",
       [](const Variables& in, const Json& o, const Json&) { return max_pool2d(in[0], pool_options(o)); }},
      {"avg_pool2d", [](const Variables& in, const Json& o,
                        const Json&) { return avg_pool2d(in[0], pool_options(o), o.at("count_padding")); }},
      {"batch_norm", run_batch_norm},
      {"layer_norm",
       [](const Variables& in, const Json& o, const Json&) { return layer_norm(in[0], o.at("axes"), in[1], in[2]); }},
      {"gelu", [](const Variables& in, const Json&, const Json&) { return gelu(in[0]); }},
      {"softplus", [](const Variables& in, const Json&, const Json&) { return softplus(in[0]); }},
      {"log_softmax",
       [](const Variables& in, const Json& o, const Json&) { return log_softmax(in[0], o.at("temperature")); }},
      {"cross_entropy", [](const Variables& in, const Json& o, const Json&) {
         const auto labels = o.at("labels").get<std::vector<std::int32_t>>();
         return cross_entropy(in[0], labels, o.at("smoothing"));
       }}};
  return all;
}

void check_case(const Json& c) {
  Variables inputs;
  for (const Json& input : c.at("inputs")) inputs.emplace_back(tensor(input), true);
  const Variable y = operations().at(c.at("op"))(inputs, c.at("options"), c.value("extra", Json::object()));
  CHECK(worst_difference(y.value(), c.at("y")) < kTolerance);
  backward(y, tensor(c.at("dy")));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    CAPTURE(i);
    CHECK(worst_difference(inputs[i].grad(), c.at("gradients").at(i)) < kTolerance);
  }
}

TEST_CASE("values and gradients equal PyTorch's for convolutions, pools, norms, gelu and cross-entropy") {
  std::ifstream file(TEMPERA_SOURCE_DIR "/tests/golden/ops.json");
  const Json cases = Json::parse(file).at("cases");
  CHECK(cases.size() >= 20);
  for (const Json& c : cases) {
    const std::string what = c.at("op").get<std::string>() + " " + c.at("options").dump();
    CAPTURE(what);
    check_case(c);
  }
}

}  // namespace
}  // namespace tempera::core
