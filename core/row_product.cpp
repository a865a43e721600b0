#include "tempera/core/row_product.hpp"

#include <algorithm>

#include "tempera/core/bf16_gemm.hpp"
#include "tempera/core/integers.hpp"
#include "tempera/core/kernels/table.hpp"
#include "tempera/core/parallel.hpp"

namespace tempera::core {
namespace {

constexpr std::int64_t kLeastRows = 16;  // gemm() sums up to four in another order; few fill no tile
constexpr std::int64_t kLineValues = 64 / sizeof(Scalar);

// The lines of several arrays, one array after the other, in equal shares for a number of tiles.
class NextLines {
 public:
  NextLines(std::span<const Scalar* const> arrays, std::int64_t values, std::int64_t tiles) noexcept
      : arrays_(arrays),
        lines_(values / kLineValues),
        share_(ceil_div(lines_ * std::ssize(arrays), std::max<std::int64_t>(tiles, 1))) {}

  [[nodiscard]] Ahead share() noexcept {
    if (arrays_.empty()) return {};
    const std::int64_t begin = done_, count = std::min(share_, lines_ - begin);
    const Ahead ahead{.x = arrays_.front() + begin * kLineValues, .lines = count, .across = count + 1};
    done_ += count;
    if (done_ == lines_) {
      arrays_ = arrays_.subspan(1);
      done_ = 0;
    }
    return ahead;
  }

 private:
  std::span<const Scalar* const> arrays_;
  std::int64_t lines_, share_, done_ = 0;
};

}  // namespace

bool RowProduct::suits(const Gemm& args) {
  if (args.m < kLeastRows || args.n == 0 || args.k == 0 || args.transpose_b) return false;
  return args.precision == Precision::kFloat32 || bf16_kernels().strip != nullptr;
}

RowProduct::RowProduct(const Gemm& args) : args_(args) {
  if (args_.precision == Precision::kBf16) {
    pack_bf16();
  } else {
    b_.emplace(args_);
  }
}

void RowProduct::make(std::int64_t begin, std::int64_t end, Scalar* to, std::span<const Scalar* const> next) const {
  if (begin == end) return;
  if (args_.precision == Precision::kBf16) return make_bf16(begin, end, to);
  make_float32(begin, end, to, next);
}

// Depths as in gemm(): each element is the same sum.
void RowProduct::make_float32(std::int64_t begin, std::int64_t end, Scalar* to,
                              std::span<const Scalar* const> next) const {
  const KernelTable& table = kernels();
  const std::int64_t n = args_.n, k = args_.k, width = table.gemm_nr;
  const std::int64_t height = even_step(end - begin, table.gemm_mr, 1), depth = even_step(k, table.gemm_depth, 4);
  const std::int64_t row = args_.transpose_a ? 1 : args_.lda, column = args_.transpose_a ? args_.lda : 1;
  const Storage storage(static_cast<std::size_t>(depth * table.gemm_mr) * sizeof(Scalar));
  auto* a = static_cast<Scalar*>(storage.data());
  NextLines lines(next, (end - begin) * n, ceil_div(end - begin, height) * ceil_div(k, depth) * ceil_div(n, width));
  for (; begin < end; begin += height, to += height * n) {
    GemmTile tile{
        .m = std::min(height, end - begin), .a = a, .a_row = 1, .a_column = table.gemm_mr, .b_row = width, .c_row = n};
    for (std::int64_t p = 0; p < k; p += depth) {
      tile.k = std::min(depth, k - p);
      tile.accumulate = p > 0;
      table.gemm_pack_a(tile.m, tile.k, args_.a + begin * row + p * column, row, column, a);
      for (std::int64_t j = 0; j < n; j += width) {
        tile.n = std::min(width, n - j);
        tile.b = b_->panel(p, j);
        tile.c = to + j;
        tile.ahead = lines.share();
        table.gemm_tile(tile);
      }
    }
  }
}

#ifndef TEMPERA_F64
void RowProduct::pack_bf16() {
  const Bf16KernelTable& table = bf16_kernels();
  const std::int64_t strips = ceil_div(args_.n, kBf16Columns);
  const detail::Bf16Depth depth(args_.k, table.depth);
  words_ = depth.words;
  depth_ = depth.step;
  bf16_a_ = detail::bf16_pack_a(args_, table, words_);
  bf16_b_ = Storage(static_cast<std::size_t>(strips * kBf16Columns * words_) * sizeof(std::uint32_t));
  auto* b = static_cast<std::uint32_t*>(bf16_b_.data());
  const std::int64_t grain = ceil_div(detail::bf16_rows_to_pack(args_.k), kBf16Columns);
  parallel_for(strips, grain, [&](std::int64_t strip, std::int64_t end) {
    for (; strip < end; ++strip) {
      const std::int64_t j = strip * kBf16Columns;
      detail::bf16_pack_b(args_, table, words_, j, b + j * words_);
    }
  });
}

void RowProduct::make_bf16(std::int64_t begin, std::int64_t end, Scalar* to) const {
  const Bf16KernelTable& table = bf16_kernels();
  for (std::int64_t j = 0; j < args_.n; j += kBf16Columns) {
    table.strip({.m = end - begin,
                 .n = std::min(kBf16Columns, args_.n - j),
                 .words = words_,
                 .depth = depth_,
                 .a = static_cast<const std::uint32_t*>(bf16_a_.data()) + begin * words_,
                 .panel = static_cast<const std::uint32_t*>(bf16_b_.data()) + j * words_,
                 .c = to + j,
                 .c_row = args_.n});
  }
}
#else  // nothing multiplies bfloat16
void RowProduct::pack_bf16() {}
void RowProduct::make_bf16(std::int64_t, std::int64_t, Scalar*) const {}
#endif

}  // namespace tempera::core
