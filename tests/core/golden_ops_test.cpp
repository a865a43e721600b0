// Operations against PyTorch. Oracle: tests/golden/ops.json, made in double precision by tests/golden/make_ops.py.
#include "core/golden.hpp"
#include "tempera/core/ops/activations.hpp"
#include "tempera/core/ops/conv2d.hpp"
#include "tempera/core/ops/norm.hpp"
#include "tempera/core/ops/pool2d.hpp"
#include "tempera/core/ops/softmax.hpp"

namespace tempera::core {
namespace {

using golden_test::Json;
using golden_test::kTolerance;
using golden_test::tensor;
using golden_test::Variables;
using golden_test::worst_difference;

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

const golden_test::Operations& operations() {
  static const golden_test::Operations all{
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

TEST_CASE("values and gradients equal PyTorch's for convolutions, pools, norms, gelu and cross-entropy") {
  golden_test::check_file("ops.json", operations());
}

}  // namespace
}  // namespace tempera::core
