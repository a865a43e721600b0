#include "tempera/quant/engine/conv_rows.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "tempera/core/integers.hpp"
#include "tempera/quant/engine/product.hpp"

namespace tempera::quant::engine {
namespace {

constexpr std::int64_t kCopyCycles = 6;  // of a short run

// Roughly, in cycles of a window: an instruction of many steps and its loads take 32 for sixteen rows of half a panel.
std::int64_t instruction_cycles(const program::Conv2d& layer, std::int64_t bytes) {
  const core::IntKernelTable& kernels = core::int_kernels();
  return 4 * core::ceil_div(layer.weight.shape[0], kernels.columns) * core::ceil_div(bytes, 4 * kernels.quad_depth);
}
std::int64_t run_of(const program::Conv2d& layer) { return layer.weight.shape[3] * layer.weight.shape[1]; }

// With windows copied run by run.
std::int64_t copied_cycles(const program::Conv2d& layer) {
  const std::int64_t runs = layer.weight.shape[2];
  return instruction_cycles(layer, runs * run_of(layer)) + kCopyCycles * runs;
}

// With windows in place, or nothing where that cannot be: each run by instructions of its own, also those that begin at
// the end of an image row and reach into the next.
std::optional<std::int64_t> line_cycles(const StepSource& source, const program::Conv2d& layer) {
  const std::int64_t line = source.input_buffer().shape[2] + 2 * layer.padding[1],
                     width = source.output_buffer().shape[2];
  const bool whole = layer.stride == std::array<std::int64_t, 2>{1, 1} && line + width <= Product::block();
  if (!whole || !has_runs(layer)) return std::nullopt;
  return layer.weight.shape[2] * instruction_cycles(layer, run_of(layer)) * line / width;
}

// Pairs of int16 take a cycle a step and panel, in place where windows are runs.
bool quads_pay(const program::Conv2d& layer) {
  const core::IntKernelTable& kernels = core::int_kernels();
  if (kernels.quad_depth == 1 || !has_runs(layer)) return true;
  const core::Shape& w = layer.weight.shape;
  const std::int64_t pairs = core::ceil_div(w[0], kernels.columns) * w[2] * core::ceil_div(run_of(layer), 2);
  return copied_cycles(layer) < pairs;
}

}  // namespace

bool is_depthwise(const program::Conv2d& layer) noexcept {
  return layer.groups > 1 && layer.groups == layer.weight.shape[0] && layer.weight.shape[1] == 1;
}

bool has_runs(const program::Conv2d& layer) noexcept { return layer.groups == 1 && layer.dilation[1] == 1; }

bool pools_by_pairs(const core::Shape& output) noexcept {
  return output[1] % 2 == 0 && output[2] % 2 == 0 && 2 * output[2] <= Product::block();
}

bool takes_quads(const StepSource& source, const program::Conv2d& layer) {
  return Product::fits_bytes(source.input_buffer(), layer.weight) && quads_pay(layer);
}

bool takes_lines(const StepSource& source, const program::Conv2d& layer) {
  if (core::int_kernels().quad_depth == 1 || !takes_quads(source, layer)) return false;
  const std::optional<std::int64_t> cycles = line_cycles(source, layer);
  return cycles && *cycles < copied_cycles(layer);
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
