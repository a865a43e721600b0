#include "tempera/nn/evaluate.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tempera/core/errors.hpp"

namespace tempera::nn {

Outputs evaluate(const Forward& forward, core::BatchSource& source, const Objective& objective,
                 const std::atomic<bool>* interrupt) {
  const core::NoGrad no_grad;
  std::int64_t classes = 0;
  std::vector<Scalar> values;
  Outputs outputs;
  double loss = 0;
  core::Batch batch;
  source.start(0, 0);
  while (source.next(batch)) {
    if (interrupt != nullptr && interrupt->load(std::memory_order_relaxed)) {
      throw core::Interrupted("interrupted while evaluating");
    }
    const core::Tensor logits = forward(batch.inputs);
    if (logits.rank() != 2) {
      throw core::ShapeError(
          fmt::format("evaluation needs outputs of shape [batch, classes], the model gives {}", logits.shape().text()));
    }
    classes = logits.dim(1);
    values.insert(values.end(), logits.values().begin(), logits.values().end());
    outputs.labels.insert(outputs.labels.end(), batch.labels.begin(), batch.labels.end());
    if (objective) {
      const core::Variable mean = objective(core::Variable(logits), batch);
      loss += static_cast<double>(mean.value().item()) * static_cast<double>(batch.size());
    }
  }
  const auto n = static_cast<std::int64_t>(outputs.labels.size());
  outputs.logits = core::Tensor({n, classes}, values);
  outputs.loss = loss / std::max<double>(1, static_cast<double>(n));
  return outputs;
}

Outputs evaluate(Model& model, core::BatchSource& source, const Objective& objective,
                 const std::atomic<bool>* interrupt, ForwardContext context) {
  if (model.output().rank() != 1) {
    throw core::ShapeError(fmt::format("evaluation needs outputs of shape [classes] per sample, the model gives {}",
                                       model.output().text()));
  }
  return evaluate([&](const core::Tensor& inputs) { return model.forward(core::Variable(inputs), context).value(); },
                  source, objective, interrupt);
}

}  // namespace tempera::nn
