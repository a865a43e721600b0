#include "tempera/core/ops/dropout.hpp"

#include <cmath>

#include "tempera/core/ops/broadcast.hpp"
#include "tempera/core/ops/check.hpp"
#include "tempera/core/parallel.hpp"

namespace tempera::core {
namespace {

// 0 or 1/(1 − p): element i is dropped where 32 random bits are below p·2^32.
Tensor mask_of(const Shape& shape, double probability, const Random& random) {
  Tensor mask(shape);
  const auto bound = static_cast<std::uint64_t>(std::llround(std::ldexp(probability, 32)));
  const auto kept = static_cast<Scalar>(1.0 / (1.0 - probability));
  Scalar* out = mask.mutable_data();
  parallel_for(mask.numel(), kHeavyGrain, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; i += 4) {
      const auto words = random.words(static_cast<std::uint64_t>(i) / 4);
      for (std::int64_t k = 0; k < 4 && i + k < end; ++k) {
        out[i + k] = words[static_cast<std::size_t>(k)] < bound ? Scalar{0} : kept;
      }
    }
  });
  return mask;
}

}  // namespace

Variable dropout(const Variable& x, double probability, const Random& random) {
  require_parameter(probability >= 0 && probability < 1, "dropout", "the probability must be in [0, 1), received {}",
                    probability);
  if (probability == 0) return x;
  const Tensor mask = mask_of(x.shape(), probability, random);
  return record(
      "dropout", map(x.value(), mask, kernels().mul, kLightGrain), {x},
      [mask](const Tensor& dy, const Needs&) { return Gradients{map(dy, mask, kernels().mul, kLightGrain)}; });
}

}  // namespace tempera::core
