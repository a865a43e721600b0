// expect: constraints not satisfied
// Only layers can be registered as layers; the compiler says which requirement is not met.
#include "tempera/nn/layer_registry.hpp"

struct NoLayer {
  struct Config {
    void fields(tempera::core::FieldVisitor& /*v*/) {}
  };
};

void add_all(tempera::nn::LayerRegistry& registry) {
#ifdef MUST_FAIL
  registry.Base::add<NoLayer>("no_layer", "is not one");
#else
  static_cast<void>(registry.names());
#endif
}
