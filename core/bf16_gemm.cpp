// Natively: A is rounded and packed once, then each strip of columns of B by the chunk that makes it, for as many rows as a
// chunk has; a strip sums the whole of k in registers, in an order that k and the instructions fix.
// Emulated: the operands are rounded and given to the kernels of float32, where the product of two bfloat16 is exact.
#include "tempera/core/bf16_gemm.hpp"

#include <algorithm>

#include "tempera/core/integers.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/storage.hpp"

namespace tempera::core {
namespace {

constexpr std::int64_t kChunkFlops = 1 << 23;  // about 10 µs of bfloat16
constexpr std::int64_t kChunkRows = 256;       // share a packed strip of B, which costs less than a row of C
constexpr std::int64_t kGrain = 16384;         // values to round and pack

template <class T>
Storage array(std::int64_t count) {
  return Storage(static_cast<std::size_t>(count) * sizeof(T));
}

// A matrix of `rows` rows whose values are rounded into rows without gaps.
Storage rounded(const Bf16KernelTable& table, const Scalar* x, std::int64_t rows, std::int64_t columns,
                std::int64_t stride, bool parallel) {
  Storage storage = array<Scalar>(rows * columns);
  auto* y = static_cast<Scalar*>(storage.data());
  const std::int64_t grain = parallel ? ceil_div(kGrain, columns) : rows;
  parallel_for(rows, grain, [=, &table](std::int64_t begin, std::int64_t end) {
    if (stride == columns) return table.round((end - begin) * columns, x + begin * columns, y + begin * columns);
    for (; begin < end; ++begin) table.round(columns, x + begin * stride, y + begin * columns);
  });
  return storage;
}

void emulated(Gemm args, const Bf16KernelTable& table) {
  const std::int64_t a_rows = args.transpose_a ? args.k : args.m, a_columns = args.transpose_a ? args.m : args.k;
  const std::int64_t b_rows = args.transpose_b ? args.n : args.k, b_columns = args.transpose_b ? args.k : args.n;
  const Storage a = rounded(table, args.a, a_rows, a_columns, args.lda, args.parallel);
  const Storage b = rounded(table, args.b, b_rows, b_columns, args.ldb, args.parallel);
  args.a = static_cast<const Scalar*>(a.data());
  args.lda = a_columns;
  args.b = static_cast<const Scalar*>(b.data());
  args.ldb = b_columns;
  args.precision = Precision::kFloat32;
  gemm(args);
}

#ifndef TEMPERA_F64
class Product {
 public:
  Product(const Gemm& args, const Bf16KernelTable& table)
      : args_(args), table_(table), depth_(args.k, table.depth), a_(detail::bf16_pack_a(args, table, depth_.words)) {}

  void run() const {
    const std::int64_t across = ceil_div(args_.n, kBf16Columns), chunks = across * ceil_div(args_.m, kChunkRows);
    const std::int64_t flops = 2 * std::min(args_.m, kChunkRows) * kBf16Columns * args_.k;
    parallel_for(chunks, args_.parallel ? ceil_div(kChunkFlops, flops) : chunks,
                 [&](std::int64_t begin, std::int64_t end) {
                   const Storage panel = array<std::uint32_t>(depth_.words * kBf16Columns);
                   for (; begin < end; ++begin) {
                     chunk(begin / across * kChunkRows, begin % across * kBf16Columns,
                           static_cast<std::uint32_t*>(panel.data()));
                   }
                 });
  }

 private:
  void chunk(std::int64_t i, std::int64_t j, std::uint32_t* panel) const {
    detail::bf16_pack_b(args_, table_, depth_.words, j, panel);
    table_.strip({.m = std::min(kChunkRows, args_.m - i),
                  .n = std::min(kBf16Columns, args_.n - j),
                  .words = depth_.words,
                  .depth = depth_.step,
                  .a = static_cast<const std::uint32_t*>(a_.data()) + i * depth_.words,
                  .panel = panel,
                  .c = args_.c + i * args_.ldc + j,
                  .c_row = args_.ldc,
                  .accumulate = args_.accumulate,
                  .column_bias = args_.column_bias == nullptr ? nullptr : args_.column_bias + j,
                  .row_bias = args_.row_bias == nullptr ? nullptr : args_.row_bias + i,
                  .relu = args_.relu});
  }

  const Gemm& args_;
  const Bf16KernelTable& table_;
  detail::Bf16Depth depth_;
  Storage a_;
};
#endif

}  // namespace

#ifndef TEMPERA_F64
Storage detail::bf16_pack_a(const Gemm& args, const Bf16KernelTable& table, std::int64_t words) {
  Storage storage = array<std::uint32_t>(args.m * words);
  auto* out = static_cast<std::uint32_t*>(storage.data());
  const std::int64_t row = args.transpose_a ? 1 : args.lda, column = args.transpose_a ? args.lda : 1;
  parallel_for(args.m, args.parallel ? bf16_rows_to_pack(args.k) : args.m, [&](std::int64_t begin, std::int64_t end) {
    table.pack_a(end - begin, args.k, words, args.a + begin * row, row, column, out + begin * words);
  });
  return storage;
}

void detail::bf16_pack_b(const Gemm& args, const Bf16KernelTable& table, std::int64_t words, std::int64_t j,
                         std::uint32_t* panel) {
  const std::int64_t row = args.transpose_b ? 1 : args.ldb, column = args.transpose_b ? args.ldb : 1;
  table.pack_b(std::min(kBf16Columns, args.n - j), args.k, words, args.b + j * column, row, column, panel);
}
#endif

void detail::bf16_gemm(const Gemm& args, const Bf16KernelTable& table) {
#ifndef TEMPERA_F64
  if (table.strip != nullptr) return Product(args, table).run();
#endif
  emulated(args, table);
}

}  // namespace tempera::core
