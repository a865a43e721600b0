// Minimal filtering (Winograd) of convolutions, exact in integers: the weights' side of it, and the proof that a layer may
// be computed so. The inputs' and outputs' side is core/kernels/int_filters.ipp.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tempera/core/kernels/int_table.hpp"
#include "tempera/quant/engine/panels.hpp"
#include "tempera/quant/engine/places.hpp"
#include "tempera/quant/program.hpp"

namespace tempera::quant::engine {

/// How a filter is cut: 3 × 3 taps in both dimensions, 5 × 5 along rows alone, whose five rows are added up as usual.
struct FilterShape {
  core::MinimalFilter filter = core::MinimalFilter::kThree;
  std::int64_t taps = 3, positions = 36;  ///< positions: products of a tile for each channel
  std::int64_t rows = 4;                  ///< of outputs in a strip; a tile has four columns
  [[nodiscard]] bool both() const noexcept { return taps == 3; }
  [[nodiscard]] std::int64_t step() const noexcept { return both() ? 6 : 8; }  ///< inputs of a tile in a dimension
};

/// The shape that suits a layer's stride, dilation, groups and filter, if one does.
[[nodiscard]] std::optional<FilterShape> filter_shape(const program::Conv2d& layer);

/// Transformed weights, and what the sums start from.
struct MinimalWeights {
  /// [panel of outputs][position]: in the order in which they are used, so that what comes next can be asked for.
  Lines<std::int16_t> values;
  std::int64_t positions = 0, segments = 1, steps = 0, size = 0;  ///< size: values of a position in a panel
  /// Of the position kBiased, in whole panels.
  std::vector<std::int32_t> bias;
  static constexpr std::int64_t kBiased[] = {7,
                                             1};  ///< by MinimalFilter: the point 1, which goes into every output once

  [[nodiscard]] const std::int16_t* panel(std::int64_t i, std::int64_t position) const noexcept {
    return values.data() + (i * positions + position) * size;
  }
};

/// Nothing if it cannot be proved that for any input of the place every transformed input and weight fits int16 and every
/// sum the bits that the division leaves.
[[nodiscard]] std::optional<MinimalWeights> minimal_weights(const program::Conv2d& layer, const FilterShape& shape,
                                                            const Place& input, const ProgramBuffer& buffer,
                                                            std::int64_t columns);

}  // namespace tempera::quant::engine
