// A model's outputs for a whole set.
#pragma once

#include <atomic>
#include <functional>
#include <vector>

#include "tempera/core/batch.hpp"
#include "tempera/nn/metrics.hpp"
#include "tempera/nn/model.hpp"

namespace tempera::nn {

/// What training makes small: outputs [batch, classes] and the batch they came from → scalar, a mean over the batch.
using Objective = std::function<core::Variable(const core::Variable& outputs, const core::Batch& batch)>;

/// Outputs of a pass, in the order of its batches.
struct Outputs {
  core::Tensor logits;               ///< [n, classes]
  std::vector<std::int32_t> labels;  ///< [n]
  double loss = 0;                   ///< mean of the objective over samples; 0 without one
};

/// A network as a function: inputs [batch, …] → outputs [batch, classes].
using Forward = std::function<core::Tensor(const core::Tensor& inputs)>;

/// Runs pass 0 of the source through `forward`, recording no history. Throws core::Interrupted when `interrupt` is set,
/// ShapeError if what comes out is not [batch, classes].
[[nodiscard]] Outputs evaluate(const Forward& forward, core::BatchSource& source, const Objective& objective = {},
                               const std::atomic<bool>* interrupt = nullptr);

/// The same for a model with `context` (evaluation, unless it says otherwise). Throws ShapeError, too, if the data does not fit.
[[nodiscard]] Outputs evaluate(Model& model, core::BatchSource& source, const Objective& objective = {},
                               const std::atomic<bool>* interrupt = nullptr, ForwardContext context = {});

}  // namespace tempera::nn
