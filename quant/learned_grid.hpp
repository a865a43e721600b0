// A grid whose scale (and offset) is learned: LSQ (Esser et al. 2020, eq. 1–3) and LSQ+ (Bhalgat et al. 2020, eq. 4–6).
#pragma once

#include "tempera/core/variable.hpp"
#include "tempera/quant/qparams.hpp"

namespace tempera::quant {

/// x̂ as fake_quant gives it with `params`, whose scale is that of `scale` [slots] and whose zero point stands for `offset`
/// [slots] (empty: 0). With v = x/s + z:
///   dx = dy where qmin ≤ v ≤ qmax, else 0
///   ds = factor·Σ dy·c,  c = round(v) − v inside; outside the derivative of the bound: qmin, qmax without an offset; with
///        one, which is what qmin stands for, 0 below and qmax − qmin above
///   doffset = factor·Σ dy outside
[[nodiscard]] core::Variable learned_grid(const core::Variable& x, const core::Variable& scale,
                                          const core::Variable& offset, const QParams& params, double factor);

}  // namespace tempera::quant
