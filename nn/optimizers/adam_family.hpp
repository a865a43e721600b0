// What adam and adamw share: moments, bias correction, fields (Kingma & Ba 2015, algorithm 1).
#pragma once

#include <cmath>

#include "tempera/core/kernels/table.hpp"
#include "tempera/nn/optimizer.hpp"

namespace tempera::nn {

struct AdamConfig {
  double learning_rate = 0.001;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;

  void fields(core::FieldVisitor& v) {
    v.field("learning_rate", learning_rate, {.help = "length of a typical step of one weight", .min = 0});
    v.field("beta1", beta1, {.help = "memory of the mean of gradients", .min = 0, .max = kMostBelowOne});
    v.field("beta2", beta2, {.help = "memory of the mean of squared gradients", .min = 0, .max = kMostBelowOne});
    v.field("epsilon", epsilon, {.help = "added to the root that a step is divided by", .min = kLeastPositive});
    v.field("weight_decay", weight_decay, {.help = "pull of the weights towards 0", .min = 0});
  }
};

/// m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², w ← w − rate·(m/c₁) / (√(v/c₂) + ε) with c = 1 − βᵗ. Decay is part of g, or
/// decoupled: w ← w − rate·decay·w (Loshchilov & Hutter 2019, algorithm 2).
class AdamFamily : public Optimizer {
 protected:
  AdamFamily(const AdamConfig& config, bool decoupled, const std::vector<Parameter>& parameters)
      : Optimizer(parameters, {"mean", "mean_square"}), config_(config), decoupled_(decoupled) {}

  void config_fields(core::FieldVisitor& v) override { config_.fields(v); }

  void prepare() override {
    c1_ = 1 - std::pow(config_.beta1, static_cast<double>(steps()));
    c2_ = 1 - std::pow(config_.beta2, static_cast<double>(steps()));
  }

  void update(const Piece& p) const noexcept override {
    const auto decay = static_cast<Scalar>(p.decayed ? config_.weight_decay : 0);
    core::kernels().adam(p.n, static_cast<Scalar>(config_.learning_rate * p.rate), static_cast<Scalar>(config_.beta1),
                         static_cast<Scalar>(config_.beta2), static_cast<Scalar>(config_.epsilon),
                         static_cast<Scalar>(c1_), static_cast<Scalar>(c2_), decoupled_ ? Scalar{0} : decay,
                         decoupled_ ? decay : Scalar{0}, p.g, p.state[0], p.state[1], p.w);
  }

 private:
  AdamConfig config_;
  bool decoupled_;
  double c1_ = 1, c2_ = 1;
};

}  // namespace tempera::nn
