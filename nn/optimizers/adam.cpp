#include "tempera/nn/optimizers/adam_family.hpp"

namespace tempera::nn {
namespace {

class Adam final : public AdamFamily {
 public:
  using Config = AdamConfig;
  Adam(const Config& config, const std::vector<Parameter>& parameters) : AdamFamily(config, false, parameters) {}
};

}  // namespace

void add_adam(OptimizerRegistry& registry) {
  registry.add<Adam>("adam", "steps scaled by running moments of the gradient; weight decay is part of the gradient");
}

}  // namespace tempera::nn
