#include "tempera/apps/experiment/cost.hpp"

#include <algorithm>
#include <chrono>

#include "tempera/apps/experiment/training_step.hpp"
#include "tempera/core/random.hpp"

namespace tempera::cli {
namespace {

core::Batch random_batch(const core::Shape& sample, std::int64_t size, std::int64_t classes) {
  core::Batch batch;
  batch.inputs = core::Tensor(sample.with_batch(size));
  const core::Random random(0, "cost");
  random.fill_normal(batch.inputs.mutable_values(), 0, 1);
  for (std::int64_t i = 0; i < size; ++i) {
    batch.labels.push_back(
        static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(classes))));
  }
  return batch;
}

}  // namespace

TrainingCost measure_training(const ExperimentConfig& config, const core::Shape& sample, std::int64_t samples) {
  using Clock = std::chrono::steady_clock;
  const nn::Model planned = nn::Model::planned(config.model, sample);
  const core::Batch batch = random_batch(sample, config.train.batch, planned.output().numel());
  TrainingStep step(config, sample);
  std::vector<double> seconds;
  constexpr double kBudget = 1.0;
  constexpr std::size_t kFewest = 3;  // the first one also fills the allocator's cache
  const auto start = Clock::now();
  while (seconds.size() < kFewest || std::chrono::duration<double>(Clock::now() - start).count() < kBudget) {
    const auto begin = Clock::now();
    step(batch);
    seconds.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
  }
  std::ranges::nth_element(seconds, seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2));
  TrainingCost cost;
  cost.step_seconds = seconds[seconds.size() / 2];
  cost.samples_per_second = static_cast<double>(config.train.batch) / cost.step_seconds;
  const auto total = static_cast<double>(samples) * static_cast<double>(config.train.epochs);
  constexpr double kFlopPerMultiplyAdd = 2;
  constexpr double kPasses = 3;  // forward, gradient by inputs, gradient by weights
  cost.flop = total * kPasses * kFlopPerMultiplyAdd * static_cast<double>(planned.facts().multiply_adds);
  cost.seconds = total / cost.samples_per_second;
  return cost;
}

}  // namespace tempera::cli
