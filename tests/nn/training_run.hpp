// A small run for tests of training: blobs of points in a plane, shuffled each epoch, and everything that learns them.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "nn/configured.hpp"
#include "tempera/core/random.hpp"
#include "tempera/nn/layer_registry.hpp"
#include "tempera/nn/loss.hpp"
#include "tempera/nn/trainer.hpp"

/// 53 points around three centres in batches of 10, so that the last batch of an epoch is smaller.
class Blobs final : public tempera::core::BatchSource {
 public:
  static constexpr std::int64_t kSamples = 53, kBatch = 10;

  [[nodiscard]] std::int64_t samples() const override { return kSamples; }
  [[nodiscard]] std::int64_t batches_per_epoch() const override { return (kSamples + kBatch - 1) / kBatch; }
  void start(std::int64_t epoch, std::int64_t first) override {
    order_ = tempera::core::Random(1, "shuffle").substream(static_cast<std::uint64_t>(epoch)).permutation(kSamples);
    next_ = first * kBatch;
  }
  [[nodiscard]] bool next(tempera::core::Batch& batch) override {
    if (next_ >= kSamples) return false;
    const std::int64_t n = std::min(kBatch, kSamples - next_);
    batch.inputs = tempera::core::Tensor({n, 2});
    batch.labels.clear();
    batch.indices.clear();
    for (std::int64_t i = 0; i < n; ++i, ++next_) {
      const std::int64_t sample = order_[static_cast<std::size_t>(next_)];
      const auto label = static_cast<std::int32_t>(sample % 3);
      tempera::Scalar* point = batch.inputs.mutable_data() + 2 * i;
      for (std::uint64_t axis = 0; axis < 2; ++axis) {
        const double noise = tempera::core::Random(2, axis).normal(static_cast<std::uint64_t>(sample));
        point[axis] = static_cast<tempera::Scalar>((label == static_cast<std::int32_t>(axis) ? 2 : 0) + scale * noise);
      }
      batch.labels.push_back(label);
      batch.indices.push_back(sample);
    }
    return true;
  }

  double scale = 0.6;  ///< of the noise

 private:
  std::vector<std::int64_t> order_;
  std::int64_t next_ = 0;
};

/// Model, optimizer and trainer, made the same way every time.
struct TrainingRun {
  using Options = tempera::nn::TrainerOptions;

  explicit TrainingRun(Options options = {}, const std::string& optimizer_json = kSgd,
                       const std::string& hidden = R"({"type": "linear", "name": "fc1", "out": 8})")
      : model(model_config(hidden), {2}, 1),
        optimizer(tempera::nn::OptimizerRegistry::builtin().make(
            *configured(tempera::nn::OptimizerRegistry::builtin(), optimizer_json), model.parameters())),
        loss(tempera::nn::LossRegistry::builtin().make(
            *configured(tempera::nn::LossRegistry::builtin(), R"({"type": "cross_entropy"})"))),
        trainer({.model = model,
                 .optimizer = *optimizer,
                 .train = train,
                 .validation = &validation,
                 .objective = [this](const tempera::core::Variable& outputs,
                                     const tempera::core::Batch& batch) { return (*loss)(outputs, batch.labels); }},
                std::move(options)) {}

  static constexpr const char* kSgd = R"({"type": "sgd", "learning_rate": 0.1, "momentum": 0.9})";

  static tempera::nn::ModelConfig model_config(const std::string& hidden) {
    tempera::nn::ModelConfig config;
    const std::string json =
        R"({"layers": [)" + hidden + R"(, {"type": "relu"}, {"type": "linear", "name": "fc2", "out": 3}]})";
    tempera::core::read_json(json, "test", [&](tempera::core::FieldVisitor& v) { config.fields(v); });
    return config;
  }

  /// Every number the run has learned or keeps, for comparing runs bit by bit.
  [[nodiscard]] std::vector<tempera::Scalar> numbers() const {
    std::vector<tempera::Scalar> all;
    for (const auto& p : model.parameters()) append(all, p.variable.value());
    for (const auto& b : model.buffers()) append(all, b.variable.value());
    for (const auto& s : optimizer->state()) append(all, *s.tensor);
    return all;
  }
  static void append(std::vector<tempera::Scalar>& all, const tempera::core::Tensor& tensor) {
    all.insert(all.end(), tensor.values().begin(), tensor.values().end());
  }

  Blobs train, validation;
  tempera::nn::Model model;
  std::unique_ptr<tempera::nn::Optimizer> optimizer;
  std::unique_ptr<tempera::nn::Loss> loss;
  tempera::nn::Trainer trainer;
};
