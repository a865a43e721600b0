#include "tempera/nn/optimizer.hpp"

namespace tempera::nn {

// Each optimizer's file defines add_<name>(registry), so that this one depends on none of them.
#define TEMPERA_OPTIMIZER(name) void add_##name(OptimizerRegistry& registry);
#include "tempera/nn/builtin_optimizers.def"
#undef TEMPERA_OPTIMIZER

OptimizerRegistry::OptimizerRegistry() : Base("optimizer") {
#define TEMPERA_OPTIMIZER(name) add_##name(*this);
#include "tempera/nn/builtin_optimizers.def"
#undef TEMPERA_OPTIMIZER
}

const OptimizerRegistry& OptimizerRegistry::builtin() {
  static const OptimizerRegistry registry;
  return registry;
}

std::unique_ptr<Optimizer> OptimizerRegistry::make(const core::Configurable& config,
                                                   const std::vector<Parameter>& parameters) const {
  std::unique_ptr<Optimizer> optimizer = Base::make(config, parameters);
  optimizer->set_common(common(config));
  optimizer->set_type(config.type());
  return optimizer;
}

void OptimizerCommon::fields(core::FieldVisitor& v) {
  v.field("clip_norm", clip_norm,
          {.help = "longest gradient over all parameters together (L2); longer ones are shortened to it",
           .min = 0,
           .above_min = true});
  v.field(
      "clip_value", clip_value,
      {.help = "largest magnitude of an element of a gradient; applied before clip_norm", .min = 0, .above_min = true});
  v.field("max_squared_length", max_squared_length,
          {.help = "largest squared length of each unit's incoming weights; longer ones are shortened after the update",
           .min = 0,
           .above_min = true});
  v.field("decay_all", decay_all, {.help = "let weight_decay act on biases and gains, too"});
}

}  // namespace tempera::nn
