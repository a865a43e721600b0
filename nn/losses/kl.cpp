// KL(t ‖ softmax(z)) = cross-entropy(t, z) − entropy(t), where t is the smoothed label: the gradient of cross-entropy,
// and a value that is 0 exactly where the network says t.
#include <cmath>

#include "tempera/core/ops/elementwise.hpp"
#include "tempera/core/ops/softmax.hpp"
#include "tempera/nn/loss.hpp"

namespace tempera::nn {
namespace {

double plogp(double p) { return p > 0 ? p * std::log(p) : 0; }

class KlDivergence final : public Loss {
 public:
  struct Config {
    double label_smoothing = 0;

    void fields(core::FieldVisitor& v) {
      v.field("label_smoothing", label_smoothing,
              {.help = "share of each label spread evenly over all classes", .min = 0, .max = 1, .below_max = true});
    }
  };
  explicit KlDivergence(const Config& config) : config_(config) {}

  core::Variable operator()(const core::Variable& outputs, Labels labels) const override {
    const core::Variable loss = core::cross_entropy(outputs, labels, config_.label_smoothing);
    const auto classes = static_cast<double>(outputs.shape()[1]);
    const double off = config_.label_smoothing / classes;
    return loss + (plogp(1 - config_.label_smoothing + off) + (classes - 1) * plogp(off));
  }

 private:
  Config config_;
};

}  // namespace

void add_kl_loss(LossRegistry& registry) {
  registry.add<KlDivergence>("kl", "Kullback–Leibler divergence of softmax(outputs) from the smoothed labels");
}

}  // namespace tempera::nn
