// expect: use of deleted function
// A layer is not copied by accident: copies would share parameters without sharing what is known of them.
#include "tempera/nn/layer.hpp"

struct Identity final : tempera::nn::Layer {
  tempera::core::Variable forward(const tempera::core::Variable& x, tempera::nn::ForwardContext& /*context*/) override {
    return x;
  }
};

void use(const Identity& layer) {
#ifdef MUST_FAIL
  const Identity copy = layer;
#else
  const Identity& copy = layer;
#endif
  static_cast<void>(copy);
}
