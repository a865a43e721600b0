// RMSprop (Tieleman & Hinton 2012, lecture 6.5), in PyTorch's form: ε is added to the root, and momentum acts on the
// scaled gradient: s ← αs + (1−α)g²; b ← momentum·b + g / (√s + ε); w ← w − rate·b.
#include <cmath>

#include "tempera/nn/optimizer.hpp"

namespace tempera::nn {
namespace {

class RmsProp final : public Optimizer {
 public:
  struct Config {
    double learning_rate = 0.01;
    double alpha = 0.99;
    double epsilon = 1e-8;
    double momentum = 0;
    double weight_decay = 0;

    void fields(core::FieldVisitor& v) {
      v.field("learning_rate", learning_rate, {.help = "length of a typical step of one weight", .min = 0});
      v.field("alpha", alpha, {.help = "memory of the mean of squared gradients", .min = 0, .max = kMostBelowOne});
      v.field("epsilon", epsilon, {.help = "added to the root that a step is divided by", .min = kLeastPositive});
      v.field("momentum", momentum, {.help = "share of the last step that is kept", .min = 0, .max = kMostBelowOne});
      v.field("weight_decay", weight_decay, {.help = "pull of the weights towards 0, part of the gradient", .min = 0});
    }
  };

  RmsProp(const Config& config, const std::vector<Parameter>& parameters)
      : Optimizer(parameters, {"mean_square", "momentum"}), config_(config) {}

 protected:
  void config_fields(core::FieldVisitor& v) override { config_.fields(v); }

  void update(const Piece& p) const noexcept override {
    const auto rate = static_cast<Scalar>(config_.learning_rate * p.rate);
    const auto alpha = static_cast<Scalar>(config_.alpha);
    const auto epsilon = static_cast<Scalar>(config_.epsilon);
    const auto momentum = static_cast<Scalar>(config_.momentum);
    const auto decay = static_cast<Scalar>(p.decayed ? config_.weight_decay : 0);
    Scalar* square = p.state[0];
    Scalar* step = p.state[1];
    for (std::int64_t i = 0; i < p.n; ++i) {
      const Scalar g = p.g[i] + decay * p.w[i];
      square[i] = alpha * square[i] + (1 - alpha) * g * g;
      step[i] = momentum * step[i] + g / (std::sqrt(square[i]) + epsilon);
      p.w[i] -= rate * step[i];
    }
  }

 private:
  Config config_;
};

}  // namespace

void add_rmsprop(OptimizerRegistry& registry) {
  registry.add<RmsProp>("rmsprop", "steps divided by the running root mean square of the gradient");
}

}  // namespace tempera::nn
