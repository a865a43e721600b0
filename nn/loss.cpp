#include "tempera/nn/loss.hpp"

#include <algorithm>

#include "tempera/core/errors.hpp"
#include "tempera/nn/softmax_rows.hpp"

namespace tempera::nn {

// Each loss's file defines add_<name>_loss(registry), so that this one depends on none of them.
#define TEMPERA_LOSS(name) void add_##name##_loss(LossRegistry& registry);
#include "tempera/nn/builtin_losses.def"
#undef TEMPERA_LOSS

LossRegistry::LossRegistry() : Registry("loss") {
#define TEMPERA_LOSS(name) add_##name##_loss(*this);
#include "tempera/nn/builtin_losses.def"
#undef TEMPERA_LOSS
}

const LossRegistry& LossRegistry::builtin() {
  static const LossRegistry registry;
  return registry;
}

core::Tensor one_hot(const core::Tensor& outputs, Labels labels, double smoothing) {
  check_labels(outputs, labels);
  if (labels.empty()) throw core::ShapeError("a loss needs at least one sample, received an empty batch");
  const auto classes = static_cast<std::size_t>(outputs.shape()[1]);
  const auto off = static_cast<Scalar>(smoothing / static_cast<double>(classes));
  core::Tensor target = core::Tensor::full(outputs.shape(), off);
  Scalar* row = target.mutable_data();
  for (const std::int32_t label : labels) {
    row[label] = static_cast<Scalar>(1 - smoothing) + off;
    row += classes;
  }
  return target;
}

}  // namespace tempera::nn
