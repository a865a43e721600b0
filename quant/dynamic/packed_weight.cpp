#include "tempera/quant/dynamic/packed_weight.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "tempera/core/integers.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/quant/attach.hpp"
#include "tempera/quant/fold_bn.hpp"
#include "tempera/quant/integer_rules.hpp"
#include "tempera/quant/lowered_weight.hpp"

namespace tempera::quant::dynamic {
namespace {

using core::ceil_div;

constexpr std::int64_t kBlock = 48;               // rows at a time
constexpr std::int64_t kLargestPanel = 32;        // columns, of all levels
constexpr std::int64_t kGrainProducts = 1 << 17;  // of one thread at a time: about 10 µs

constexpr std::int64_t kTileFrom = 4;  // rows from which tiles win over single rows

std::int64_t grain_of(std::int64_t products) noexcept {
  return std::max<std::int64_t>(1, kGrainProducts / std::max<std::int64_t>(1, products));
}

Scalar result(Scalar sum, Scalar bias, const Rows& rows) noexcept {
  const Scalar y = sum + bias;
  return rows.relu && y < 0 ? 0 : y;
}

struct Extents {
  std::int64_t m, n, columns;
};

void write(const Rows& rows, Extents tile, const Scalar* sum, const Scalar* bias, Scalar* y) noexcept {
  if (rows.y_row != 1) {
    for (std::int64_t i = 0; i < tile.m; ++i, y += rows.y_row, sum += tile.columns) {
      for (std::int64_t j = 0; j < tile.n; ++j) y[j * rows.y_output] = result(sum[j], bias[j], rows);
    }
    return;
  }
  // The pixels of an output channel lie together.
  for (std::int64_t j = 0; j < tile.n; ++j, y += rows.y_output) {
    for (std::int64_t i = 0; i < tile.m; ++i) y[i] = result(sum[i * tile.columns + j], bias[j], rows);
  }
}

// Whether every w − z does.
bool fit_bytes(const Integers& integers, const nn::GraphNode& node) {
  const core::Shape& shape = weight_source(node).weight.shape();
  for (std::size_t i = 0; i < integers.values.size(); ++i) {
    const std::size_t slot = integers.params.slot(static_cast<std::int64_t>(i), shape);
    const std::int32_t w = integers.values[i] - integers.params.zero_point[slot];
    if (w < -128 || w > 127) return false;
  }
  return true;
}

// Σ |w| of a row, times what an input may be.
void check_reach(const nn::GraphNode& node, std::int64_t output, std::span<const std::int16_t> row,
                 const QParams& grid) {
  const std::int64_t largest = grid.qmax - grid.qmin;
  std::int64_t reach = 0;
  for (const std::int16_t w : row) reach += std::abs(w) * largest;
  if (reach <= kLargestAccumulator) return;
  refuse(node, fmt::format("output {}: {} products with inputs of up to {} could add up to {}, beyond the int32 of an "
                           "accumulator (use fewer bits, or granularity per_group)",
                           output, row.size(), largest, reach));
}

}  // namespace

PackedWeight::PackedWeight(const nn::GraphNode& node, const QParams& grid, const core::IntKernelTable& kernels)
    : kernels_(kernels), linear_(std::holds_alternative<nn::graph::Linear>(node.operation)) {
  const Integers integers = weight_integers(node);
  bytes_ = kernels_.dot_quads != nullptr && grid.qmax - grid.qmin <= 255 && fit_bytes(integers, node);
  const WeightSource from = weight_source(node);
  const core::Shape& shape = from.weight.shape();
  const auto* conv = std::get_if<nn::graph::Conv2d>(&node.operation);
  if (conv != nullptr) groups_ = conv->options.groups;
  outputs_ = shape[0] / groups_;
  length_ = shape.numel() / shape[0];
  const QParams& params = integers.params;
  piece_ = params.granularity == Granularity::kGroup ? std::min(params.group, length_) : length_;
  pieces_ = ceil_div(length_, piece_);
  if (conv != nullptr && pieces_ == 1) {
    taps_ = shape[2] * shape[3];
    if (conv->options.dilation[1] == 1) segments_ = shape[2];
  }
  padded_ = ceil_div(outputs_, kernels_.columns) * kernels_.columns;
  scale_.assign(static_cast<std::size_t>(groups_ * pieces_ * padded_), 0);
  bias_.assign(static_cast<std::size_t>(groups_ * padded_), 0);
  no_bias_.assign(static_cast<std::size_t>(padded_), 0);
  for (std::int64_t g = 0; g < groups_; ++g) {
    for (std::int64_t p = 0; p < pieces_; ++p) parts_.push_back(part_of(node, grid, integers, g, p));
    if (from.bias.empty()) continue;
    std::copy_n(from.bias.value().data() + g * outputs_, outputs_, bias_.begin() + g * padded_);
  }
}

PackedWeight::Part PackedWeight::part_of(const nn::GraphNode& node, const QParams& grid, const Integers& integers,
                                         std::int64_t group, std::int64_t piece) {
  const WeightSource from = weight_source(node);
  // Integers are of the weight times the norm's factor where one is folded in; the norm itself follows in floats.
  const auto& norm = quantizer_of(from.site)->folded();
  const core::Tensor factor = norm ? invertible_factor(*norm) : core::Tensor();
  const std::int64_t begin = piece * piece_, n = std::min(piece_, length_ - begin);
  engine::WeightRows rows{.out = outputs_, .length = n, .values = {}};
  for (std::int64_t o = 0; o < outputs_; ++o) {
    const std::int64_t channel = group * outputs_ + o, first = channel * length_;
    const std::size_t slot = integers.params.slot(first + begin, from.weight.shape());
    for (std::int64_t k = begin; k < begin + n; ++k) {
      const std::int32_t w = integers.values[static_cast<std::size_t>(first + source(k))];
      rows.values.push_back(static_cast<std::int16_t>(w - integers.params.zero_point[slot]));
    }
    check_reach(node, channel, std::span(rows.values).last(static_cast<std::size_t>(n)), grid);
    const Scalar f = norm ? factor.values()[static_cast<std::size_t>(channel)] : Scalar{1};
    scale_[static_cast<std::size_t>((group * pieces_ + piece) * padded_ + o)] =
        static_cast<Scalar>(integers.params.scale[slot]) / f;
  }
  rows.segments = segments_;
  rows.length = n / segments_;
  Part part;
  if (bytes_) {
    part.quads = engine::pack<std::int8_t>(rows, kernels_.columns, 4);
    part.sums = rows.corrected(std::vector<std::int32_t>(static_cast<std::size_t>(outputs_)), 1);
    part.sums.resize(static_cast<std::size_t>(padded_));
  }
  // Few rows of a linear layer are multiplied by what is not 0, in pairs.
  if (linear_ && rows.narrow()) {
    part.narrow = engine::pack<std::int8_t>(rows, kernels_.columns, 2);
  } else if (!bytes_) {
    part.wide = engine::pack<std::int16_t>(rows, kernels_.columns, 2);
  }
  return part;
}

bool PackedWeight::takes_bytes(std::int64_t m) const noexcept {
  return bytes_ && (!linear_ || m >= kTileFrom || pieces_ > 1);
}

void PackedWeight::multiply(std::int64_t group, const Rows& rows) const {
  const bool narrow = !parts_[static_cast<std::size_t>(group * pieces_)].narrow.values.empty();
  if (rows.bytes == nullptr && rows.m < kTileFrom && pieces_ == 1 && narrow) return multiply_few(group, rows);
  const std::int64_t panels = padded_ / kernels_.columns, blocks = ceil_div(rows.m, kBlock);
  const std::int64_t products = std::min(rows.m, kBlock) * kernels_.columns * length_;
  core::parallel_for(blocks * panels, grain_of(products), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) multiply_panel(group, i % panels, rows, i / panels * kBlock);
  });
}

// Row by row, by the steps that are not 0: half of them after a ReLU, and what is not multiplied is not read.
void PackedWeight::multiply_few(std::int64_t group, const Rows& rows) const {
  const engine::Panels<std::int8_t>& panels = parts_[static_cast<std::size_t>(group)].narrow;
  core::CachedVector<std::int32_t> steps(static_cast<std::size_t>(length_ / 2 + 1)), values(steps.size());
  core::CachedVector<std::int32_t> c(static_cast<std::size_t>(padded_));
  for (std::int64_t i = 0; i < rows.m; ++i) {
    const std::int64_t count = engine::nonzero_steps(rows.q + rows.begin(i), length_, steps.data(), values.data());
    const auto s_x = static_cast<Scalar>(rows.scale[i * rows.scale_step]);
    Scalar* y = rows.y + i * rows.y_row;
    core::parallel_for(panels.count, grain_of(count * 2 * kernels_.columns), [&](std::int64_t begin, std::int64_t end) {
      const std::int64_t first = begin * kernels_.columns, last = std::min(end * kernels_.columns, outputs_);
      kernels_.dot_sparse({.count = count,
                           .steps = steps.data(),
                           .values = values.data(),
                           .panels = end - begin,
                           .panel = panels.panel(begin),
                           .panel_bytes = panels.size(),
                           .bias = no_bias_.data(),
                           .c = c.data() + first});
      const Scalar *s_w = scale(group, 0), *b = bias(group);
      for (std::int64_t j = first; j < last; ++j) {
        y[j * rows.y_output] = result(static_cast<Scalar>(c[static_cast<std::size_t>(j)]) * (s_x * s_w[j]), b[j], rows);
      }
    });
  }
}

// Rows from `first` on, at most kBlock.
void PackedWeight::multiply_panel(std::int64_t group, std::int64_t panel, const Rows& rows, std::int64_t first) const {
  const std::int64_t columns = kernels_.columns, m = std::min(kBlock, rows.m - first);
  std::array<const void*, kBlock> a{};
  alignas(64) std::array<std::int32_t, kBlock * kLargestPanel> c;  // NOLINT: written before it is read
  alignas(64) std::array<Scalar, kBlock * kLargestPanel> sum;      // NOLINT: likewise
  for (std::int64_t p = 0; p < pieces_; ++p) {
    for (std::int64_t i = 0; i < m; ++i) {
      const std::int64_t at = rows.begin(first + i) + p * piece_;
      a[static_cast<std::size_t>(i)] = rows.bytes != nullptr ? static_cast<const void*>(rows.bytes + at) : rows.q + at;
    }
    dots(parts_[static_cast<std::size_t>(group * pieces_ + p)], panel, std::span(a).first(static_cast<std::size_t>(m)),
         rows, first, c.data());
    const Scalar* s_w = scale(group, p) + panel * columns;
    for (std::int64_t i = 0; i < m; ++i) {
      const auto s_x = static_cast<Scalar>(rows.scale[(first + i) * rows.scale_step]);
      const std::int32_t* from = c.data() + i * columns;
      Scalar* to = sum.data() + i * columns;
      for (std::int64_t j = 0; j < columns; ++j) {
        const Scalar real = static_cast<Scalar>(from[j]) * (s_x * s_w[j]);
        to[j] = p == 0 ? real : to[j] + real;
      }
    }
  }
  const std::int64_t n = std::min(columns, outputs_ - panel * columns);
  write(rows, {.m = m, .n = n, .columns = columns}, sum.data(), bias(group) + panel * columns,
        rows.y + first * rows.y_row + panel * columns * rows.y_output);
}

void PackedWeight::dots(const Part& part, std::int64_t panel, std::span<const void* const> a, const Rows& rows,
                        std::int64_t first, std::int32_t* c) const {
  const auto m = static_cast<std::int64_t>(a.size());
  core::DotTile tile{.m = m,
                     .n = kernels_.columns,
                     .segments = segments_,
                     .a = a.data(),
                     .a_segment = rows.segment,
                     .bias = no_bias_.data(),
                     .c = c};
  if (rows.bytes == nullptr) {
    const bool narrow = part.wide.values.empty();
    tile.steps = narrow ? part.narrow.steps : part.wide.steps;
    tile.panel = narrow ? static_cast<const void*>(part.narrow.panel(panel)) : part.wide.panel(panel);
    tile.a_segment *= static_cast<std::int64_t>(sizeof(std::int16_t));
    return narrow ? kernels_.dot_pairs_s8(tile) : kernels_.dot_pairs(tile);
  }
  tile.steps = part.quads.steps;
  tile.panel = part.quads.panel(panel);
  kernels_.dot_quads(tile);
  // Σ (q − z)·w = Σ (q − qmin)·w − (z − qmin)·Σ w, modulo 2^32.
  const std::int32_t* sums = part.sums.data() + panel * kernels_.columns;
  for (std::int64_t i = 0; i < m; ++i) {
    const auto shift = static_cast<std::uint32_t>(rows.shift[(first + i) * rows.scale_step]);
    for (std::int64_t j = 0; j < kernels_.columns; ++j, ++c) {
      *c = static_cast<std::int32_t>(static_cast<std::uint32_t>(*c) - shift * static_cast<std::uint32_t>(sums[j]));
    }
  }
}

}  // namespace tempera::quant::dynamic
