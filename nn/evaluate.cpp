#include "tempera/nn/evaluate.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tempera/core/errors.hpp"

namespace tempera::nn {

Outputs evaluate(Model& model, core::BatchSource& source, const Objective& objective,
                 const std::atomic<bool>* interrupt, ForwardContext context) {
  if (model.output().rank() != 1) {
    throw core::ShapeError(fmt::format("evaluation needs outputs of shape [classes] per sample, the model gives {}",
                                       model.output().text()));
  }
  const core::NoGrad no_grad;
  const std::int64_t classes = model.output()[0];
  std::vector<Scalar> values;
  values.reserve(static_cast<std::size_t>(source.samples() * classes));
  Outputs outputs;
  double loss = 0;
  core::Batch batch;
  source.start(0, 0);
  while (source.next(batch)) {
    if (interrupt != nullptr && interrupt->load(std::memory_order_relaxed)) {
      throw core::Interrupted("interrupted while evaluating");
    }
    const core::Variable logits = model.forward(core::Variable(batch.inputs), context);
    values.insert(values.end(), logits.value().values().begin(), logits.value().values().end());
    outputs.labels.insert(outputs.labels.end(), batch.labels.begin(), batch.labels.end());
    if (objective)
      loss += static_cast<double>(objective(logits, batch).value().item()) * static_cast<double>(batch.size());
  }
  const auto n = static_cast<std::int64_t>(outputs.labels.size());
  outputs.logits = core::Tensor({n, classes}, values);
  outputs.loss = loss / std::max<double>(1, static_cast<double>(n));
  return outputs;
}

}  // namespace tempera::nn
