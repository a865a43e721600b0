// Stochastic gradient descent with momentum, as PyTorch defines it:
//   v ← momentum·v + g;  w ← w − rate·v,  or with Nesterov's look-ahead  w ← w − rate·(g + momentum·v)
// (Sutskever et al. 2013 with the rate outside of the velocity). Weight decay is part of the gradient (g + decay·w) or,
// decoupled, w ← (1 − rate·decay)·w before the step (Loshchilov & Hutter 2019, algorithm 1).
#include "tempera/core/kernels/table.hpp"
#include "tempera/nn/optimizer.hpp"

namespace tempera::nn {
namespace {

class Sgd final : public Optimizer {
 public:
  struct Config {
    double learning_rate = 0.01;
    double momentum = 0;
    bool nesterov = false;
    double weight_decay = 0;
    bool decoupled = false;

    void fields(core::FieldVisitor& v) {
      v.field("learning_rate", learning_rate, {.help = "length of a step along the gradient", .min = 0});
      v.field("momentum", momentum, {.help = "share of the last step that is kept", .min = 0, .max = kMostBelowOne});
      v.field("nesterov", nesterov, {.help = "take the gradient's step on top of the momentum's"});
      v.field("weight_decay", weight_decay, {.help = "pull of the weights towards 0", .min = 0});
      v.field("decoupled", decoupled, {.help = "decay the weights themselves instead of adding to the gradient"});
      v.rule(!nesterov || momentum > 0, "nesterov", "needs a momentum above 0");
    }
  };

  Sgd(const Config& config, const std::vector<Parameter>& parameters)
      : Optimizer(parameters, {"momentum"}), config_(config) {}

 protected:
  void config_fields(core::FieldVisitor& v) override { config_.fields(v); }

  void update(const Piece& p) const noexcept override {
    const core::KernelTable& kernels = core::kernels();
    const double decay = p.decayed ? config_.weight_decay : 0;
    const double rate = config_.learning_rate * p.rate;
    if (config_.decoupled && decay != 0) {
      kernels.mul_scalar(p.n, p.w, static_cast<Scalar>(1 - rate * decay), p.w);
    }
    kernels.sgd(p.n, static_cast<Scalar>(rate), static_cast<Scalar>(config_.momentum),
                static_cast<Scalar>(config_.decoupled ? 0 : decay), config_.nesterov, p.g, p.state[0], p.w);
  }

 private:
  Config config_;
};

}  // namespace

void add_sgd(OptimizerRegistry& registry) {
  registry.add<Sgd>("sgd", "stochastic gradient descent with momentum, Nesterov's if asked");
}

}  // namespace tempera::nn
