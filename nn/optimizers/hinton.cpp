// Momentum as in Hinton et al. 2012 (arXiv 1207.0580, appendix A): Δw ← p·Δw − (1 − p)·rate·g; w ← w + Δw. The factor
// 1 − p keeps the length of a steady step the same while p rises, so that the rate can be scheduled apart from it.
#include "tempera/nn/optimizer.hpp"

namespace tempera::nn {
namespace {

class HintonMomentum final : public Optimizer {
 public:
  struct Config {
    double learning_rate = 10;
    double momentum = 0.5;
    double weight_decay = 0;

    void fields(core::FieldVisitor& v) {
      v.field("learning_rate", learning_rate, {.help = "length of a steady step along the gradient", .min = 0});
      v.field("momentum", momentum, {.help = "p: share of the last step that is kept", .min = 0, .max = kMostBelowOne});
      v.field("weight_decay", weight_decay, {.help = "pull of the weights towards 0, part of the gradient", .min = 0});
    }
  };

  HintonMomentum(const Config& config, const std::vector<Parameter>& parameters)
      : Optimizer(parameters, {"step"}), config_(config) {}

 protected:
  void config_fields(core::FieldVisitor& v) override { config_.fields(v); }

  void update(const Piece& p) const noexcept override {
    const auto momentum = static_cast<Scalar>(config_.momentum);
    const auto rate = static_cast<Scalar>((1 - config_.momentum) * config_.learning_rate * p.rate);
    const auto decay = static_cast<Scalar>(p.decayed ? config_.weight_decay : 0);
    Scalar* step = p.state[0];
    for (std::int64_t i = 0; i < p.n; ++i) {
      step[i] = momentum * step[i] - rate * (p.g[i] + decay * p.w[i]);
      p.w[i] += step[i];
    }
  }

 private:
  Config config_;
};

}  // namespace

void add_hinton(OptimizerRegistry& registry) {
  registry.add<HintonMomentum>("hinton", "momentum whose steady step does not grow with it: p·Δw − (1−p)·rate·g");
}

}  // namespace tempera::nn
