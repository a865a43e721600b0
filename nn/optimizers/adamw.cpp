#include "tempera/nn/optimizers/adam_family.hpp"

namespace tempera::nn {
namespace {

class AdamW final : public AdamFamily {
 public:
  struct Config : AdamConfig {
    Config() { weight_decay = 0.01; }
  };
  AdamW(const Config& config, const std::vector<Parameter>& parameters) : AdamFamily(config, true, parameters) {}
};

}  // namespace

void add_adamw(OptimizerRegistry& registry) {
  registry.add<AdamW>("adamw", "adam with weight decay apart from the gradient");
}

}  // namespace tempera::nn
