#include "tempera/quant/engine/conv_rows.hpp"

namespace tempera::quant::engine {

WeightRows rows_of(const program::Conv2d& layer, std::int64_t group, bool in_place) {
  const core::Shape& w = layer.weight.shape;
  const std::int64_t out = w[0] / layer.groups, cells = w[2] * w[3];
  WeightRows rows{
      .out = out, .segments = in_place ? w[2] : 1, .length = in_place ? w[3] * w[1] : cells * w[1], .values = {}};
  for (std::int64_t o = group * out; o < (group + 1) * out; ++o) {
    const std::int32_t zero =
        layer.weight.zero_points.empty() ? 0 : layer.weight.zero_points[static_cast<std::size_t>(o)];
    for (std::int64_t cell = 0; cell < cells; ++cell) {
      for (std::int64_t c = 0; c < w[1]; ++c) {
        const auto at = static_cast<std::size_t>((o * w[1] + c) * cells + cell);
        rows.values.push_back(static_cast<std::int16_t>(layer.weight.values[at] - zero));
      }
    }
  }
  return rows;
}

}  // namespace tempera::quant::engine
