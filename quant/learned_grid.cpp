#include "tempera/quant/learned_grid.hpp"

#include <cmath>
#include <utility>
#include <vector>

#include "tempera/quant/fake_quant.hpp"
#include "tempera/quant/runs.hpp"

namespace tempera::quant {
namespace {

using core::Tensor;

struct Sums {
  double scale = 0, offset = 0;
};

// Gradients of a run of elements of one scale; dx is written. Below the grid x̂ is below·s, above it above·s, and the offset
// on top of that.
Sums run_gradients(const Scalar* x, const Scalar* dy, std::int64_t n, const QParams& params, std::size_t slot,
                   bool has_offset, Scalar* dx) {
  const Scalar scale = static_cast<Scalar>(params.scale[slot]);
  const auto zero = static_cast<Scalar>(params.zero_point[slot]);
  const Scalar low = static_cast<Scalar>(params.qmin) - zero, high = static_cast<Scalar>(params.qmax) - zero;
  const std::int32_t origin = has_offset ? params.qmin : 0;
  const auto below = static_cast<double>(params.qmin - origin), above = static_cast<double>(params.qmax - origin);
  Sums sums;
  for (std::int64_t i = 0; i < n; ++i) {
    const Scalar v = x[i] / scale;
    const auto g = static_cast<double>(dy[i]);
    if (v < low || v > high) {
      dx[i] = 0;
      sums.scale += g * (v < low ? below : above);
      sums.offset += g;
    } else {
      dx[i] = dy[i];
      sums.scale += g * static_cast<double>(std::nearbyint(v) - v);
    }
  }
  return sums;
}

// The sums of every slot, added up piece by piece in the order of the elements.
std::vector<Sums> all_gradients(const Tensor& x, const Tensor& dy, const QParams& params, bool has_offset, Tensor& dx) {
  const std::size_t slots = params.scale.size();
  const auto pieces = slots == 1 ? static_cast<std::size_t>((x.numel() + kRunGrain - 1) / kRunGrain) : slots;
  std::vector<Sums> partial(pieces);
  Scalar* to = dx.mutable_data();
  each_run(x.shape(), params, [&](std::int64_t begin, std::int64_t end, std::size_t slot) {
    const std::size_t piece = slots == 1 ? static_cast<std::size_t>(begin / kRunGrain) : slot;
    partial[piece] =
        run_gradients(x.data() + begin, dy.data() + begin, end - begin, params, slot, has_offset, to + begin);
  });
  if (slots > 1) return partial;
  std::vector<Sums> total(1);
  for (const Sums& sums : partial) {
    total[0].scale += sums.scale;
    total[0].offset += sums.offset;
  }
  return total;
}

}  // namespace

core::Variable learned_grid(const core::Variable& x, const core::Variable& scale, const core::Variable& offset,
                            const QParams& params, double factor) {
  return core::record("learned_grid", fake_quantized(x.value(), params), {x, scale, offset},
                      [kept = x.value(), params, factor, shape = scale.shape(), has_offset = !offset.empty()](
                          const Tensor& dy, const core::Needs& needs) {
                        Tensor dx(kept.shape()), ds(shape), doffset(shape);
                        const std::vector<Sums> sums = all_gradients(kept, dy, params, has_offset, dx);
                        for (std::size_t slot = 0; slot < sums.size(); ++slot) {
                          ds.mutable_values()[slot] = static_cast<Scalar>(factor * sums[slot].scale);
                          doffset.mutable_values()[slot] = static_cast<Scalar>(factor * sums[slot].offset);
                        }
                        return core::Gradients{dx, ds, needs[2] ? doffset : Tensor()};
                      });
}

}  // namespace tempera::quant
