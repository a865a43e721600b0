// Networks for tests of what is done to finished models.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tempera/core/batch.hpp"
#include "tempera/core/config/reader.hpp"
#include "tempera/core/ops/elementwise.hpp"
#include "tempera/core/ops/softmax.hpp"
#include "tempera/core/random.hpp"
#include "tempera/nn/model.hpp"
#include "tempera/nn/optimizer.hpp"
#include "tempera/quant/config.hpp"

namespace tempera::quant_test {

inline nn::Model model_of(const std::string& layers, const core::Shape& input, std::uint64_t seed = 1) {
  nn::ModelConfig config;
  core::read_json(R"({"layers": [)" + layers + "]}", "test", [&](core::FieldVisitor& v) { config.fields(v); });
  return nn::Model(config, input, seed);
}

inline quant::QuantizationConfig quantization(const std::string& rules) {
  quant::QuantizationConfig config;
  core::read_json(R"({"when": "after", "rules": [)" + rules + "]}", "test",
                  [&](core::FieldVisitor& v) { config.fields(v); });
  return config;
}

/// Samples in memory, in order.
class Samples final : public core::BatchSource {
 public:
  Samples(core::Tensor inputs, std::vector<std::int32_t> labels, std::int64_t batch)
      : inputs_(std::move(inputs)), labels_(std::move(labels)), batch_(batch) {}
  [[nodiscard]] std::int64_t samples() const override { return static_cast<std::int64_t>(labels_.size()); }
  [[nodiscard]] std::int64_t batches_per_epoch() const override { return (samples() + batch_ - 1) / batch_; }
  void start(std::int64_t /*epoch*/, std::int64_t first) override { at_ = first * batch_; }
  [[nodiscard]] bool next(core::Batch& batch) override {
    const std::int64_t end = std::min(at_ + batch_, samples());
    if (at_ >= end) return false;
    std::vector<std::int64_t> extents;
    for (int axis = 0; axis < inputs_.rank(); ++axis) extents.push_back(inputs_.dim(axis));
    const std::int64_t row = inputs_.numel() / extents[0];
    extents[0] = end - at_;
    batch.inputs = core::Tensor(
        core::Shape(std::span<const std::int64_t>(extents)),
        inputs_.values().subspan(static_cast<std::size_t>(at_ * row), static_cast<std::size_t>((end - at_) * row)));
    batch.labels.assign(labels_.begin() + at_, labels_.begin() + end);
    at_ = end;
    return true;
  }

 private:
  core::Tensor inputs_;
  std::vector<std::int32_t> labels_;
  std::int64_t batch_, at_ = 0;
};

/// Normal numbers of another size in every feature; the label says whether the first feature is positive.
inline Samples random_samples(const core::Shape& sample, std::int64_t n, std::int64_t batch = 32) {
  std::vector<std::int64_t> extents{n};
  for (int axis = 0; axis < sample.rank(); ++axis) extents.push_back(sample[axis]);
  core::Tensor inputs{core::Shape(std::span<const std::int64_t>(extents))};
  core::Random(4, "samples").fill_normal(inputs.mutable_values(), 0, 1);
  std::vector<std::int32_t> labels;
  for (std::int64_t i = 0; i < n; ++i) {
    labels.push_back(inputs.values()[static_cast<std::size_t>(i * sample.numel())] > 0 ? 1 : 0);
  }
  return {inputs, labels, batch};
}

/// Some steps of SGD on cross entropy.
inline void train(nn::Model& model, core::BatchSource& source, std::int64_t epochs, double rate) {
  const nn::OptimizerRegistry& registry = nn::OptimizerRegistry::builtin();
  const auto config = registry.create("sgd");
  const auto sgd = registry.make(*config, model.parameters());
  nn::ForwardContext context{.training = true};
  for (std::int64_t epoch = 0; epoch < epochs; ++epoch) {
    source.start(epoch, 0);
    for (core::Batch batch; source.next(batch);) {
      core::backward(core::mul(core::cross_entropy(model.forward(core::Variable(batch.inputs), context), batch.labels),
                               rate / 0.01));
      sgd->step();
      sgd->zero_grad();
    }
  }
}

}  // namespace tempera::quant_test
