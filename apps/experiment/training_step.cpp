#include "tempera/apps/experiment/training_step.hpp"

#include "tempera/apps/experiment/quantized_model.hpp"
#include "tempera/apps/experiment/training.hpp"

namespace tempera::cli {

TrainingStep::TrainingStep(const ExperimentConfig& config, const core::Shape& sample)
    : model_(model_of(config, sample)),
      objective_(objective_of(config)),
      optimizer_(config.registry().optimizers().make(*config.optimizer, model_.parameters())),
      precision_(config.train.precision),
      context_{.training = true, .seed = static_cast<std::uint64_t>(config.seed), .step = 0} {}

void TrainingStep::operator()(const core::Batch& batch) {
  const core::Variable outputs = [&] {
    const core::PrecisionScope products(precision_);
    return model_.forward(core::Variable(batch.inputs), context_);
  }();
  const core::Variable loss = objective_(outputs, batch);
  optimizer_->zero_grad();
  core::backward(loss);
  optimizer_->step();
  ++context_.step;
}

}  // namespace tempera::cli
