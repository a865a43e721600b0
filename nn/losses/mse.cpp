#include "tempera/core/ops/elementwise.hpp"
#include "tempera/core/ops/reduce.hpp"
#include "tempera/nn/loss.hpp"

namespace tempera::nn {
namespace {

class MeanSquaredError final : public Loss {
 public:
  struct Config {
    void fields(core::FieldVisitor& /*v*/) {}
  };
  explicit MeanSquaredError(const Config& /*config*/) {}

  core::Variable operator()(const core::Variable& outputs, Labels labels) const override {
    return core::mean(core::square(outputs - core::Variable(one_hot(outputs.value(), labels))));
  }
};

}  // namespace

void add_mse_loss(LossRegistry& registry) {
  registry.add<MeanSquaredError>("mse", "mean over samples and classes of the squared distance from the one-hot label");
}

}  // namespace tempera::nn
