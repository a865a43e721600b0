#include "tempera/datasets/transform.hpp"

#include "tempera/datasets/transforms/cutout.hpp"
#include "tempera/datasets/transforms/flip.hpp"
#include "tempera/datasets/transforms/jitter.hpp"
#include "tempera/datasets/transforms/noise.hpp"
#include "tempera/datasets/transforms/rotate.hpp"

namespace tempera::data {
namespace {

struct WithBuiltins : TransformRegistry {
  WithBuiltins() : TransformRegistry("transform") {
#define TEMPERA_TRANSFORM(type, name, help) add<type>(name, help);
#include "tempera/datasets/builtin_transforms.def"
#undef TEMPERA_TRANSFORM
  }
};

}  // namespace

TransformRegistry& transforms() {
  static WithBuiltins registry;
  return registry;
}

}  // namespace tempera::data
