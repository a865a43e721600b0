#include "tempera/core/ops/softmax.hpp"
#include "tempera/nn/loss.hpp"

namespace tempera::nn {
namespace {

class CrossEntropy final : public Loss {
 public:
  struct Config {
    double label_smoothing = 0;

    void fields(core::FieldVisitor& v) {
      v.field("label_smoothing", label_smoothing,
              {.help = "share of each label spread evenly over all classes (Szegedy et al. 2016)",
               .min = 0,
               .max = 1,
               .below_max = true});
    }
  };
  explicit CrossEntropy(const Config& config) : config_(config) {}

  core::Variable operator()(const core::Variable& outputs, Labels labels) const override {
    return core::cross_entropy(outputs, labels, config_.label_smoothing);
  }

 private:
  Config config_;
};

}  // namespace

void add_cross_entropy_loss(LossRegistry& registry) {
  registry.add<CrossEntropy>("cross_entropy", "mean of −log softmax(logits) at the label");
}

}  // namespace tempera::nn
