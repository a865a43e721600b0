// The weights of a convolution as rows of a product.
#pragma once

#include <cstdint>

#include "tempera/quant/engine/panels.hpp"
#include "tempera/quant/engine/step.hpp"
#include "tempera/quant/program.hpp"

namespace tempera::quant::engine {

/// w − zero_w of a group, each row [kh, kw, c] in kh segments (`in_place`) or in one.
[[nodiscard]] WeightRows rows_of(const program::Conv2d& layer, std::int64_t group, bool in_place);

/// One channel in and out for each group.
[[nodiscard]] bool is_depthwise(const program::Conv2d& layer) noexcept;
/// Whether a window is runs of neighbours, which kernels can read in place.
[[nodiscard]] bool has_runs(const program::Conv2d& layer) noexcept;
/// Whether the sums of an image [c, h, w] can be pooled by 2 × 2 before they are written: whole pairs of rows at a time.
[[nodiscard]] bool pools_by_pairs(const core::Shape& output) noexcept;
/// Whether the windows of every group may be multiplied as bytes on this level, and that is less work.
[[nodiscard]] bool takes_quads(const StepSource& source, const program::Conv2d& layer);
/// Whether they are better read in place by kernels that take many steps at once, which want rows in equal distances: the
/// windows at every pixel of an image row are, and so are those of all rows together, if some that reach from one row
/// into the next are multiplied for nothing.
[[nodiscard]] bool takes_lines(const StepSource& source, const program::Conv2d& layer);

}  // namespace tempera::quant::engine
