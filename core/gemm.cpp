#include "tempera/core/gemm.hpp"

#include <algorithm>

#include "tempera/core/kernels/table.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/storage.hpp"

namespace tempera::core {
namespace {

// A panel of B of this many rows, and the rows of A that meet it, stay in the first and second cache.
constexpr std::int64_t kDepth = 384;
constexpr std::int64_t kChunkFlops = 1 << 21;  // about 20 µs of work: small against the cost of starting threads

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// The tiles of one strip of columns [j, j + n) and rows [first, last), over the whole of k.
class Strip {
 public:
  Strip(const Gemm& args, const KernelTable& table)
      : args_(args),
        table_(table),
        panel_(static_cast<std::size_t>(kDepth * table.gemm_nr) * sizeof(Scalar)) {}

  void run(std::int64_t j, std::int64_t n, std::int64_t first, std::int64_t last) {
    for (std::int64_t p = 0; p < args_.k; p += kDepth) {
      const std::int64_t depth = std::min(kDepth, args_.k - p);
      GemmTile tile = base(j, n, p, depth);
      for (std::int64_t i = first; i < last; i += table_.gemm_mr) {
        tile.m = std::min(table_.gemm_mr, last - i);
        tile.a = args_.a + i * tile.a_row + p * tile.a_column;
        tile.c = args_.c + i * args_.ldc + j;
        tile.row_bias = p + depth == args_.k && args_.row_bias != nullptr ? args_.row_bias + i : nullptr;
        table_.gemm_tile(tile);
      }
    }
  }

 private:
  GemmTile base(std::int64_t j, std::int64_t n, std::int64_t p, std::int64_t depth) {
    const bool last = p + depth == args_.k;
    GemmTile tile{.n = n, .k = depth, .c_row = args_.ldc};
    tile.a_row = args_.transpose_a ? 1 : args_.lda;
    tile.a_column = args_.transpose_a ? args_.lda : 1;
    tile.accumulate = args_.accumulate || p > 0;
    tile.column_bias = last && args_.column_bias != nullptr ? args_.column_bias + j : nullptr;
    tile.relu = last && args_.relu;
    if (args_.transpose_b) {
      auto* panel = static_cast<Scalar*>(panel_.data());
      table_.gemm_pack_b(n, depth, args_.b + j * args_.ldb + p, 1, args_.ldb, panel);
      tile.b = panel;
      tile.b_row = table_.gemm_nr;
    } else {
      tile.b = args_.b + p * args_.ldb + j;
      tile.b_row = args_.ldb;
    }
    return tile;
  }

  const Gemm& args_;
  const KernelTable& table_;
  Storage panel_;
};

// k = 0: the sum is empty, what is left is bias and activation.
void empty_sum(const Gemm& args, const KernelTable& table) {
  for (std::int64_t i = 0; i < args.m; ++i) {
    table.gemm_dot({.m = 1,
                    .n = args.n,
                    .k = 0,
                    .c = args.c + i * args.ldc,
                    .c_row = args.ldc,
                    .accumulate = args.accumulate,
                    .column_bias = args.column_bias,
                    .row_bias = args.row_bias == nullptr ? nullptr : args.row_bias + i,
                    .relu = args.relu});
  }
}

}  // namespace

void gemm(const Gemm& args) {
  const KernelTable& table = kernels();
  if (args.m == 0 || args.n == 0) return;
  if (args.k == 0) return empty_sum(args, table);
  const std::int64_t strips = ceil_div(args.n, table.gemm_nr);
  const std::int64_t strip_flops = 2 * args.m * table.gemm_nr * args.k;
  const std::int64_t grain = args.parallel ? std::max<std::int64_t>(1, kChunkFlops / strip_flops) : strips;
  parallel_for(strips, grain, [&](std::int64_t begin, std::int64_t end) {
    Strip strip(args, table);
    for (std::int64_t s = begin; s < end; ++s) {
      const std::int64_t j = s * table.gemm_nr;
      strip.run(j, std::min(table.gemm_nr, args.n - j), 0, args.m);
    }
  });
}

}  // namespace tempera::core
