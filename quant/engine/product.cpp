#include "tempera/quant/engine/product.hpp"

#include <algorithm>
#include <array>

#include "tempera/core/integers.hpp"

namespace tempera::quant::engine {
namespace {

constexpr std::int64_t kLargestPanel = 32;                           // columns, of all levels
constexpr std::int64_t kSums = 2 * Product::kBlock * kLargestPanel;  // at a time: 32 KiB, which stay in the first cache
constexpr std::int64_t kWorthListing =
    8;  // a step of a list takes a little longer: worth it if one of so many is left out

}  // namespace

Product::Product(const StepSource& source, const WeightRows& rows, const std::vector<std::int32_t>& bias,
                 const std::optional<Requant>& requant, bool bytes, bool quads)
    : kernels_(core::int_kernels()),
      out_(rows.out),
      segments_(rows.segments),
      length_(rows.length),
      cell_(source.output().cell()),
      writer_(source.output(), requant, out_) {
  const Place& input = source.input();
  const std::int32_t lowest = lowest_of(source.input_buffer().cell);
  byte_shift_ = input.offset - lowest;
  bias_ = padded(rows.corrected(bias, input.background - input.zero_point));
  byte_bias_ = padded(rows.corrected(bias, lowest - input.zero_point));
  if (quads) {
    quads_ =
        pack<std::int8_t>(rows, kernels_.columns, 4, core::quad_steps(kernels_, segments_, core::ceil_div(length_, 4)));
  }
  if (bytes && rows.narrow()) {
    pairs_ = pack<std::int8_t>(rows, kernels_.columns, 2);
  } else if (quads_.values.empty()) {
    wide_ = pack<std::int16_t>(rows, kernels_.columns, 2);
  }
}

Lines<std::int32_t> Product::padded(const std::vector<std::int32_t>& bias) const {
  Lines<std::int32_t> whole(bias.begin(), bias.end());
  whole.resize(static_cast<std::size_t>(core::round_up(out_, kernels_.columns)));
  return whole;
}

std::int64_t Product::block() noexcept { return core::int_kernels().dot_quads != nullptr ? kBlock : kBlock / 2; }

// Values are int8; less a zero point they may take nine bits.
bool Product::fits_bytes(const ProgramBuffer& input, const ProgramWeight& weight) {
  if (core::int_kernels().dot_quads == nullptr || (input.cell != Cell::kU8 && input.cell != Cell::kS8)) return false;
  auto value = weight.values.begin();
  for (const std::int32_t zero : weight.zero_points) {
    const auto [least, most] = std::minmax_element(value, value + weight.shape.numel() / weight.shape[0]);
    if (*least - zero < -128 || *most - zero > 127) return false;
    value += weight.shape.numel() / weight.shape[0];
  }
  return true;
}

void Product::run(const ProductRows& rows) const noexcept {
  if (takes_bytes()) {
    return run_panels(rows, {kernels_.dot_quads, quads_.values.data(), quads_.size(), quads_.steps, byte_bias_.data()});
  }
  if (!wide_.values.empty()) {
    return run_panels(rows, {kernels_.dot_pairs, wide_.values.data(), 2 * wide_.size(), wide_.steps, bias_.data()});
  }
  run_panels(rows, {kernels_.dot_pairs_s8, pairs_.values.data(), pairs_.size(), pairs_.steps, bias_.data()});
}

void Product::run_panels(const ProductRows& rows, const Operand& weights) const noexcept {
  alignas(64) std::array<std::int32_t, kSums> c;  // NOLINT: what is not written reaches no result
  const std::int64_t columns = kernels_.columns, all = core::ceil_div(out_, columns);
  const std::int64_t most = weights.kernel == kernels_.dot_quads ? kSums / (rows.m * columns) : 1;  // of 1 ≤ m ≤ kBlock
  const bool sums = writer_.writes_sums() && rows.width == 0;
  for (std::int64_t panel = 0, count = 0; panel < all; panel += count) {
    count = std::min(most, all - panel);
    const std::int64_t first = panel * columns, last = std::min(first + count * columns, out_);
    const bool in_place = sums && last == first + count * columns;  // a kernel may write whole panels alone
    weights.kernel({.m = rows.m,
                    .n = last - (first + (count - 1) * columns),
                    .segments = segments_,
                    .steps = weights.steps,
                    .a = rows.a,
                    .a_segment = rows.a_segment,
                    .lists = rows.lists,
                    .panel = static_cast<const char*>(weights.panels) + panel * weights.panel_bytes,
                    .bias = weights.bias + first,
                    .c = in_place ? static_cast<std::int32_t*>(rows.y) + first : c.data(),
                    .c_row = in_place ? rows.y_row : columns,
                    .panels = count,
                    .panel_bytes = weights.panel_bytes,
                    .c_panel = in_place ? columns : rows.m * columns});
    if (in_place) continue;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t j = first + i * columns;
      write(rows, j, std::min(columns, out_ - j), c.data() + i * rows.m * columns);
    }
  }
}

void Product::write(const ProductRows& rows, std::int64_t first, std::int64_t n, std::int32_t* c) const noexcept {
  const std::int64_t columns = kernels_.columns;
  if (rows.width == 0) return writer_.write(rows.m, first, n, c, columns, rows.y, rows.y_row);
  const std::int64_t lines = (rows.m + rows.line - rows.width) / rows.line;
  if (!rows.pool) {
    for (std::int64_t l = 0; l < lines; ++l) {
      auto* y = static_cast<std::byte*>(rows.y) + l * rows.width * rows.y_row * cell_;
      writer_.write(rows.width, first, n, c + l * rows.line * columns, columns, y, rows.y_row);
    }
    return;
  }
  const std::int64_t width = rows.width / 2;
  for (std::int64_t p = 0; p < lines / 2; ++p) {  // in place: what is written has been read
    kernels_.pool_sums({.count = width,
                        .x = c + p * 2 * rows.line * columns,
                        .x_row = rows.line * columns,
                        .y = c + p * width * columns});
  }
  writer_.write(lines / 2 * width, first, n, c, columns, rows.y, rows.y_row);
}

std::int64_t Product::list_bytes() const noexcept {
  const std::int64_t tiles = core::ceil_div(block(), kernels_.rows);
  return 4 * tiles * pairs_.steps;
}

bool Product::list_steps(std::span<const void* const> rows, std::byte* scratch, StepLists& lists) const noexcept {
  const std::int64_t tile = kernels_.rows;
  auto* steps = reinterpret_cast<std::int32_t*>(scratch);
  std::int64_t taken = 0, all = 0;
  for (std::int64_t i = 0; i < std::ssize(rows); i += tile) {
    const std::int64_t count = std::min(tile, std::ssize(rows) - i);
    core::StepList& list = lists[static_cast<std::size_t>(i / tile)];
    list = {.count = nonzero_steps(rows.subspan(static_cast<std::size_t>(i), static_cast<std::size_t>(count)), length_,
                                   steps),
            .steps = steps};
    steps += list.count;
    taken += list.count;
    all += pairs_.steps;
  }
  return kWorthListing * taken <= (kWorthListing - 1) * all;
}

std::int64_t Product::sparse_bytes() const noexcept {
  return 4 * (static_cast<std::int64_t>(bias_.size()) + 2 * (length_ / 2 + 1));
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
