// Multi-class hinge (Weston & Watkins 1999), averaged over classes as PyTorch's MultiMarginLoss does:
//   1/classes · Σ_{j≠y} max(0, margin − z_y + z_j)^p with p = 1, or 2 if squared.
#include "tempera/core/ops/activations.hpp"
#include "tempera/core/ops/elementwise.hpp"
#include "tempera/core/ops/gather.hpp"
#include "tempera/core/ops/layout.hpp"
#include "tempera/core/ops/reduce.hpp"
#include "tempera/nn/loss.hpp"
#include "tempera/nn/softmax_rows.hpp"

namespace tempera::nn {
namespace {

class Hinge final : public Loss {
 public:
  struct Config {
    double margin = 1;
    bool squared = false;

    void fields(core::FieldVisitor& v) {
      v.field("margin", margin, {.help = "lead the label's output should have", .min = 0, .above_min = true});
      v.field("squared", squared, {.help = "square what is missing from the margin"});
    }
  };
  explicit Hinge(const Config& config) : config_(config) {}

  core::Variable operator()(const core::Variable& outputs, Labels labels) const override {
    check_labels(outputs.value(), labels);
    const auto classes = static_cast<double>(outputs.shape()[1]);
    const core::Variable own = core::reshape(core::pick(outputs, labels), {outputs.shape()[0], 1});
    core::Variable missing = core::relu(outputs - own + config_.margin);
    double at_label = config_.margin;  // what j = y adds, which the sum must not have
    if (config_.squared) {
      missing = core::square(missing);
      at_label *= at_label;
    }
    return core::mean(missing) - at_label / classes;
  }

 private:
  Config config_;
};

}  // namespace

void add_hinge_loss(LossRegistry& registry) {
  registry.add<Hinge>("hinge", "what is missing from a margin between the label's output and each other");
}

}  // namespace tempera::nn
