// What a training step may ask the system for once it has run: objects of its graph, a bounded number that is the same in
// every step, and no memory for tensors. Oracle: a count of every operator new of this program.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "nn/configured.hpp"
#include "support/counted_news.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/random.hpp"
#include "tempera/core/storage.hpp"
#include "tempera/nn/layer_registry.hpp"
#include "tempera/nn/loss.hpp"
#include "tempera/nn/trainer.hpp"

namespace {

using namespace tempera;

// One batch of images again and again, which takes no memory after the first time.
class SameImages final : public core::BatchSource {
 public:
  static constexpr std::int64_t kImages = 6, kSteps = 24;

  SameImages() : images_({kImages, 1, 28, 28}) {
    core::Random(3, "images").fill_normal(images_.mutable_values(), 0, 1);
  }

  [[nodiscard]] std::int64_t samples() const override { return kImages * kSteps; }
  [[nodiscard]] std::int64_t batches_per_epoch() const override { return kSteps; }
  void start(std::int64_t /*epoch*/, std::int64_t first) override { next_ = first; }
  [[nodiscard]] bool next(core::Batch& batch) override {
    if (next_++ >= kSteps) return false;
    batch.inputs = images_;
    batch.labels.assign({3, 1, 4, 1, 5, 9});
    batch.indices.assign({0, 1, 2, 3, 4, 5});
    return true;
  }

 private:
  core::Tensor images_;
  std::int64_t next_ = 0;
};

struct StepCounts {
  std::vector<std::int64_t> news, storage;  ///< of the program so far, after each step
};

StepCounts counts_of(const std::string& layers) {
  nn::ModelConfig config;
  core::read_json(R"({"layers": )" + layers + "}", "test", [&](core::FieldVisitor& v) { config.fields(v); });
  nn::Model model(config, {1, 28, 28}, 1);
  const auto sgd = nn::OptimizerRegistry::builtin().make(
      *configured(nn::OptimizerRegistry::builtin(), R"({"type": "sgd", "learning_rate": 0.01, "momentum": 0.9})"),
      model.parameters());
  const auto loss =
      nn::LossRegistry::builtin().make(*configured(nn::LossRegistry::builtin(), R"({"type": "cross_entropy"})"));
  SameImages images;
  nn::Trainer trainer({.model = model,
                       .optimizer = *sgd,
                       .train = images,
                       .objective = [&loss](const core::Variable& outputs,
                                            const core::Batch& batch) { return (*loss)(outputs, batch.labels); }},
                      {.epochs = 1});
  StepCounts counts;
  counts.news.reserve(SameImages::kSteps);
  counts.storage.reserve(SameImages::kSteps);
  trainer.on_step = [&counts](const nn::StepReport&) {
    counts.news.push_back(test::news.load());
    counts.storage.push_back(core::allocator_stats().system_allocations);
  };
  trainer.run();
  return counts;
}

// `most`: about a third more than it is; a list that grows value by value somewhere in a loop takes more.
void check_steps(const std::string& layers, std::int64_t most) {
  const int threads = core::thread_count();
  core::set_thread_count(1);  // how many buffers threads hold at once depends on their timing
  const StepCounts counts = counts_of(layers);
  core::set_thread_count(threads);
  REQUIRE(std::ssize(counts.news) == SameImages::kSteps);
  constexpr std::size_t kWarm = 3;
  const std::int64_t steady = counts.news[kWarm + 1] - counts.news[kWarm];
  CHECK(steady > 0);  // the count counts
  CHECK(steady <= most);
  for (std::size_t i = kWarm; i + 1 < counts.news.size(); ++i) {
    CAPTURE(i);
    CHECK(counts.news[i + 1] - counts.news[i] == steady);
    CHECK(counts.storage[i + 1] == counts.storage[kWarm]);
  }
}

}  // namespace

TEST_CASE("a training step of 784-128-10 takes no memory for tensors, and as few objects in any step as in the third") {
  check_steps(R"([{"type": "flatten"}, {"type": "linear", "out": 128}, {"type": "relu"},
                  {"type": "linear", "out": 10}])",
              16);
}

TEST_CASE("a training step of lenet takes no memory for tensors, and as few objects in any step as in the third") {
  check_steps(R"([{"type": "conv2d", "out": 20, "kernel": 5}, {"type": "relu"}, {"type": "max_pool2d", "size": 2},
                  {"type": "conv2d", "out": 50, "kernel": 5}, {"type": "relu"}, {"type": "max_pool2d", "size": 2},
                  {"type": "flatten"}, {"type": "linear", "out": 500}, {"type": "relu"},
                  {"type": "linear", "out": 10}])",
              120);
}
