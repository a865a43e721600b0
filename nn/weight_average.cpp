#include "tempera/nn/weight_average.hpp"

#include <fmt/format.h>

#include <utility>

#include "tempera/core/errors.hpp"
#include "tempera/core/kernels/table.hpp"
#include "tempera/core/parallel.hpp"

namespace tempera::nn {

WeightAverage::WeightAverage(const std::vector<Parameter>& parameters, double decay)
    : parameters_(parameters), decay_(decay) {
  if (!(decay >= 0 && decay <= kMostBelowOne)) {
    throw core::ConfigError(
        fmt::format("the average of weights needs 0 ≤ decay ≤ {}, received {}", kMostBelowOne, decay));
  }
  // Handles share the weights' tensors until the first write to either.
  for (const Parameter& parameter : parameters_) average_.push_back(parameter.variable.value());
}

void WeightAverage::update() {
  constexpr std::int64_t kChunk = 32768;
  const core::KernelTable& kernels = core::kernels();
  const auto decay = static_cast<Scalar>(decay_);
  const auto rest = static_cast<Scalar>(1 - decay_);
  for (std::size_t p = 0; p < parameters_.size(); ++p) {
    if (parameters_[p].role == Role::kStep) {  // unknown (0) until values were seen, which no average may remember
      average_[p] = parameters_[p].variable.value();
      continue;
    }
    Scalar* average = average_[p].mutable_data();
    const Scalar* weights = parameters_[p].variable.value().data();
    core::parallel_for(parameters_[p].numel(), kChunk, [&](std::int64_t begin, std::int64_t end) {
      kernels.mul_scalar(end - begin, average + begin, decay, average + begin);
      kernels.axpy(end - begin, rest, weights + begin, average + begin);
    });
  }
}

void WeightAverage::swap() {
  for (std::size_t p = 0; p < parameters_.size(); ++p) {
    std::swap(parameters_[p].variable.mutable_value(), average_[p]);
  }
}

std::vector<OptimizerState> WeightAverage::state() {
  std::vector<OptimizerState> all;
  for (std::size_t p = 0; p < parameters_.size(); ++p) all.push_back({parameters_[p].name, &average_[p]});
  return all;
}

}  // namespace tempera::nn
