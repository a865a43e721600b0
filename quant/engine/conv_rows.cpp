#include "tempera/quant/engine/conv_rows.hpp"

#include "tempera/core/integers.hpp"
#include "tempera/quant/engine/product.hpp"

namespace tempera::quant::engine {
namespace {

constexpr std::int64_t kCopyCycles = 6;  // of a short run

// Roughly, in cycles of a window: an instruction of many steps takes sixteen for sixteen rows of half a panel, after a
// copy of the window run by run; pairs of int16 take one a step and panel, in place where windows are runs. Those of
// one channel are too short to be copied.
bool quads_pay(const program::Conv2d& layer) {
  const core::IntKernelTable& kernels = core::int_kernels();
  if (kernels.quad_depth == 1 || !has_runs(layer)) return true;
  const core::Shape& w = layer.weight.shape;
  const std::int64_t panels = core::ceil_div(w[0], kernels.columns), run = w[3] * w[1];
  const std::int64_t instructions = core::ceil_div(w[2] * run, 4 * kernels.quad_depth);
  return 2 * panels * instructions + kCopyCycles * w[2] < panels * w[2] * core::ceil_div(run, 2);
}

}  // namespace

bool is_depthwise(const program::Conv2d& layer) noexcept {
  return layer.groups > 1 && layer.groups == layer.weight.shape[0] && layer.weight.shape[1] == 1;
}

bool has_runs(const program::Conv2d& layer) noexcept { return layer.groups == 1 && layer.dilation[1] == 1; }

bool takes_quads(const StepSource& source, const program::Conv2d& layer) {
  return Product::fits_bytes(source.input_buffer(), layer.weight) && quads_pay(layer);
}

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
