#include "tempera/apps/bench/int_product.hpp"

#include <algorithm>
#include <cstddef>

#include "tempera/core/integers.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/tensor.hpp"
#include "tempera/quant/engine/product.hpp"

namespace tempera::cli::bench {
namespace {

// As many rows as the engine takes at a time; with threads groups of whole tiles, as many as pairs of threads share.
std::int64_t group_of(std::int64_t m) {
  const std::int64_t block = quant::engine::Product::block(), tile = core::int_kernels().quad_rows;
  if (core::thread_count() == 1) return std::min(m, block);
  return std::min(m,
                  core::round_up(core::ceil_div(m, 2 * core::ceil_div(m, 2 * block)), std::max<std::int64_t>(tile, 1)));
}

quant::Program program_of(std::span<const std::int8_t> weights, std::int64_t n, std::int64_t k) {
  quant::QParams bytes{.bits = 8, .is_signed = false, .qmin = 0, .qmax = 255};
  quant::Program p;
  p.input = {k};
  p.buffers = {{.site = "input", .shape = {k}, .cell = quant::Cell::kU8, .bits = 8, .low = 0, .high = 255},
               {.site = "product", .shape = {n}, .cell = quant::Cell::kS32, .bits = 32}};
  p.instructions.push_back({quant::program::Quantize{bytes}, "input", {}, 0});
  p.instructions.push_back(
      {quant::program::Linear{
           .weight = {.shape = {n, k}, .bits = 8, .values = {weights.begin(), weights.end()}, .zero_points = {}},
           .bias = std::vector<std::int32_t>(static_cast<std::size_t>(n), 0),
           .requant = {}},
       "product",
       {0},
       1});
  quant::check(p);
  return p;
}

}  // namespace

IntProduct::IntProduct(std::span<const std::uint8_t> a, std::span<const std::int8_t> weights, std::int64_t m,
                       std::int64_t n, std::int64_t k)
    : m_(m),
      group_(group_of(m)),
      program_(program_of(weights, n, k)),
      layout_(quant::engine::lay_out(program_)),
      product_(quant::engine::make_step({program_, program_.instructions[1], layout_})) {
  const auto rounding = quant::engine::make_step({program_, program_.instructions[0], layout_});
  scratch_bytes_ = core::round_up(std::max(product_->scratch_bytes(), rounding->scratch_bytes()) + 64, 64);
  group_bytes_ = core::round_up(scratch_bytes_ + (layout_.kept_bytes + layout_.bytes) * group_, 64);
  const auto bytes = static_cast<std::size_t>(core::ceil_div(m, group_) * group_bytes_);
  memory_ = core::Storage(bytes);
  std::fill_n(static_cast<std::byte*>(memory_.data()), bytes, std::byte{0});
  const std::vector<Scalar> x(a.begin(), a.end());
  for (std::int64_t first = 0; first < m; first += group_) {
    quant::engine::Frame samples = frame(first);
    samples.x = x.data() + first * k;
    rounding->run(samples);
  }
}

quant::engine::Frame IntProduct::frame(std::int64_t first) const {
  std::byte* memory = static_cast<std::byte*>(memory_.data()) + first / group_ * group_bytes_;
  std::byte* kept = memory + scratch_bytes_;
  return {.arena = {.begin = kept + layout_.kept_bytes * group_, .capacity = group_},
          .kept = {.begin = kept, .capacity = group_},
          .scratch = memory,
          .samples = std::min(group_, m_ - first),
          .x = nullptr};
}

void IntProduct::run() {
  core::parallel_for(m_, group_, [this](std::int64_t begin, std::int64_t) { product_->run(frame(begin)); });
}

std::vector<std::int32_t> IntProduct::result() const {
  const quant::engine::Place& place = layout_.places[1];
  const std::vector<std::int32_t> order = quant::engine::order_of(place);
  std::vector<std::int32_t> c;
  for (std::int64_t first = 0; first < m_; first += group_) {
    const quant::engine::Frame rows = frame(first);
    for (std::int64_t i = 0; i < rows.samples; ++i) {
      for (const std::int32_t at : order) c.push_back(rows.q(place, i, at));
    }
  }
  return c;
}

}  // namespace tempera::cli::bench
