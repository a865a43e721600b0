// The weights of a convolution as rows of a product.
#pragma once

#include <cstdint>

#include "tempera/quant/engine/panels.hpp"
#include "tempera/quant/program.hpp"

namespace tempera::quant::engine {

/// w − zero_w of a group, each row [kh, kw, c] in kh segments (`in_place`) or in one.
[[nodiscard]] WeightRows rows_of(const program::Conv2d& layer, std::int64_t group, bool in_place);

}  // namespace tempera::quant::engine
