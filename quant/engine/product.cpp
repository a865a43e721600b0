#include "tempera/quant/engine/product.hpp"

#include <algorithm>
#include <array>

namespace tempera::quant::engine {
namespace {

constexpr std::int64_t kLargestPanel = 32;  // columns, of all levels

std::int32_t lowest_of(Cell cell) noexcept { return cell == Cell::kS8 ? -128 : 0; }

}  // namespace

Product::Product(const StepSource& source, WeightRows rows, const std::vector<std::int32_t>& bias,
                 const std::optional<Requant>& requant, bool keep_bytes)
    : kernels_(core::int_kernels()),
      out_(rows.out),
      segments_(rows.segments),
      length_(rows.length),
      rows_(std::move(rows)),
      writer_(source.output(), requant, out_) {
  const Place& input = source.input();
  const Cell cell = source.input_buffer().cell;
  const std::int32_t lowest = lowest_of(cell);
  byte_shift_ = input.offset - lowest;
  bias_ = padded(rows_.corrected(bias, input.offset - input.zero_point));
  byte_bias_ = padded(rows_.corrected(bias, lowest - input.zero_point));
  const bool narrow = rows_.narrow();
  if (narrow && (cell == Cell::kU8 || cell == Cell::kS8) && kernels_.dot_quads != nullptr) {
    quads_ = pack<std::int8_t>(rows_, kernels_.columns, 4);
  }
  if (narrow && keep_bytes) pairs_ = pack<std::int8_t>(rows_, kernels_.columns, 2);
  if (pairs_.values.empty()) widen();
}

void Product::widen() {
  if (quads_.values.empty() && wide_.values.empty()) wide_ = pack<std::int16_t>(rows_, kernels_.columns, 2);
  rows_.values = {};
}

std::vector<std::int32_t> Product::padded(std::vector<std::int32_t> bias) const {
  const std::int64_t columns = kernels_.columns;
  bias.resize(static_cast<std::size_t>((out_ + columns - 1) / columns * columns));
  return bias;
}

void Product::run(const ProductRows& rows) const noexcept {
  if (takes_bytes()) {
    return run_panels(rows, kernels_.dot_quads, kernels_.quad_rows, quads_.values.data(), quads_.size(), quads_.steps,
                      byte_bias_.data());
  }
  if (!wide_.values.empty()) {
    return run_panels(rows, kernels_.dot_pairs, kernels_.rows, wide_.values.data(), 2 * wide_.size(), wide_.steps,
                      bias_.data());
  }
  run_panels(rows, kernels_.dot_pairs_s8, kernels_.rows, pairs_.values.data(), pairs_.size(), pairs_.steps,
             bias_.data());
}

void Product::run_panels(const ProductRows& rows, Kernel kernel, std::int64_t tile_rows, const void* panels,
                         std::int64_t panel_bytes, std::int64_t steps, const std::int32_t* bias) const noexcept {
  alignas(64) std::array<std::int32_t, kBlock * kLargestPanel> c;  // NOLINT: every value is written before it is read
  const std::int64_t columns = kernels_.columns;
  for (std::int64_t first = 0; first < out_; first += columns) {
    const std::int64_t n = std::min(columns, out_ - first);
    for (std::int64_t i = 0; i < rows.m; i += tile_rows) {
      kernel({.m = std::min(tile_rows, rows.m - i),
              .n = n,
              .segments = segments_,
              .steps = steps,
              .a = rows.a + i,
              .a_segment = rows.a_segment,
              .panel = static_cast<const char*>(panels) + first / columns * panel_bytes,
              .bias = bias + first,
              .c = c.data() + i * columns});
    }
    writer_.write(rows.m, first, n, c.data(), columns, rows.y, rows.y_row);
  }
}

std::int64_t Product::sparse_bytes() const noexcept {
  return 4 * static_cast<std::int64_t>(bias_.size()) + 2 * 4 * (length_ / 2 + 1);
}

void Product::run_sparse(const std::int16_t* x, std::byte* scratch, void* y) const noexcept {
  auto* c = reinterpret_cast<std::int32_t*>(scratch);
  std::int32_t* steps = c + bias_.size();
  std::int32_t* values = steps + length_ / 2 + 1;
  const std::int64_t count = nonzero_steps(x, length_, steps, values);
  kernels_.dot_sparse({.count = count,
                       .steps = steps,
                       .values = values,
                       .panels = pairs_.count,
                       .panel = pairs_.values.data(),
                       .panel_bytes = pairs_.size(),
                       .bias = bias_.data(),
                       .c = c});
  writer_.write(1, 0, out_, c, 0, y, 0);
}

}  // namespace tempera::quant::engine
