// Cuts a product into chunks of C for the threads and into tiles for the kernels.
//
// C is made chunk by chunk; in a chunk k is cut into depths that fit the caches, and every strip of columns of B meets
// all rows of A while it is hot. Operands are packed only where reading them as they are costs more. Depths depend on k
// alone, so each element of C is the same sum whatever the chunks and the threads.
#include "tempera/core/gemm.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "tempera/core/bf16_gemm.hpp"
#include "tempera/core/integers.hpp"
#include "tempera/core/kernels/caches.hpp"
#include "tempera/core/kernels/table.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/scaled_bytes.hpp"
#include "tempera/core/storage.hpp"

namespace tempera::core {
namespace {

constexpr std::int64_t kDotDepth = 2048;       // ten rows of this are 80 KiB; folding the sums is better done seldom
constexpr std::int64_t kChunkFlops = 1 << 21;  // at least about 10 µs, against well below 1 µs to start a chunk
constexpr std::int64_t kChunks = 16;           // of a large product: enough for threads that are disturbed
constexpr std::int64_t kFewRows = 4;
constexpr std::int64_t kRowColumns = 2048;    // rows of C that stay in half of the first cache
constexpr std::int64_t kPartFlops = 1 << 20;  // of one part of a few rows: 40 µs from the third cache
constexpr std::int64_t kMostParts = 4;
constexpr std::int64_t kMostPacked = 1 << 22;  // values of an operand that is copied as a whole: 16 MiB
constexpr std::int64_t kPageValues = 4096 / sizeof(Scalar);

struct Range {
  std::int64_t begin, end;
  [[nodiscard]] std::int64_t size() const noexcept { return end - begin; }
};

template <class Fn>
void for_steps(Range range, std::int64_t step, const Fn& fn) {
  for (std::int64_t i = range.begin; i < range.end; i += step) fn(Range{i, std::min(i + step, range.end)});
}

// Brings a block of memory near, a share of its lines with each of a number of tiles. A strip of B is new to the caches
// and its rows are short or far apart, so that the processor does not foresee them; asked for line by line while the
// tiles of the strip before it are at work, it costs next to nothing.
class Prefetch {
 public:
  Prefetch(const Scalar* x, std::int64_t rows, std::int64_t columns, std::int64_t stride, std::int64_t tiles) noexcept
      : x_(x), stride_(stride), across_(ceil_div(columns, kLineValues)), rows_(rows), share_(ceil_div(rows, tiles)) {}
  [[nodiscard]] Ahead next() noexcept {
    const std::int64_t rows = std::min(share_, rows_);
    rows_ -= rows;
    return {.x = std::exchange(x_, x_ + rows * stride_), .lines = rows * across_, .across = across_, .stride = stride_};
  }

 private:
  static constexpr std::int64_t kLineValues = 64 / sizeof(Scalar);
  const Scalar* x_;
  std::int64_t stride_, across_, rows_, share_;
};

// Rows [p, p + k) of columns [j, j + n) of B, n ≤ gemm_nr, in the order of a panel.
void pack_b(const Gemm& args, std::int64_t p, std::int64_t k, std::int64_t j, std::int64_t n, Scalar* panel) noexcept {
  const std::int64_t at = args.transpose_b ? j * args.ldb + p : p * args.ldb + j;
  if (args.b_bytes == nullptr) {
    const std::int64_t row = args.transpose_b ? 1 : args.ldb, column = args.transpose_b ? args.ldb : 1;
    return kernels().gemm_pack_b(n, k, args.b + at, row, column, panel);
  }
  const auto pack = args.transpose_b ? kernels().gemm_pack_byte_columns : kernels().gemm_pack_byte_rows;
  pack(n, k, args.b_bytes->bytes() + at, args.ldb, args.b_bytes->scales() + (args.transpose_b ? j : p), panel);
}

class Product {
 public:
  Product(const Gemm& args, const KernelTable& table) noexcept
      : args_(args),
        table_(table),
        depth_(even_step(args.k, table.gemm_depth, 4)),
        a_row_(args.transpose_a ? 1 : args.lda),
        a_column_(args.transpose_a ? args.lda : 1),
        b_row_(args.transpose_b ? 1 : args.ldb),
        b_column_(args.transpose_b ? args.ldb : 1),
        packed_b_(args.packed_b) {}

  void run() {
    if (prefers_few_rows()) return few_rows();
    const auto [height, width] = chunk();
    const std::int64_t across = ceil_div(args_.n, width), down = ceil_div(args_.m, height), chunks = across * down;
    const auto compute = prefers_dots() ? &Product::dot_chunk : &Product::tile_chunk;
    std::optional<PackedB> all_of_b;
    if (compute == &Product::tile_chunk) {
      const bool hurts_b = packed_b_ == nullptr && strides_hurt_b(std::min(height, args_.m));
      if (down > 1 && hurts_b && args_.n * args_.k <= kMostPacked) packed_b_ = &all_of_b.emplace(args_);
      if (across > 1 && packs_a(args_.n) && args_.m * args_.k <= kMostPacked) pack_all_of_a(height, down);
    }
    parallel_for(chunks, args_.parallel ? 1 : chunks,
                 [&, height = height, width = width](std::int64_t c, std::int64_t end) {
                   for (; c < end; ++c) {
                     const std::int64_t i = c / across * height, j = c % across * width;
                     const Range rows{i, std::min(i + height, args_.m)}, columns{j, std::min(j + width, args_.n)};
                     (this->*compute)(rows, columns);
                   }
                 });
  }

  [[nodiscard]] bool packs_b() const noexcept {
    return !prefers_few_rows() && !prefers_dots() && strides_hurt_b(std::min(chunk().rows, args_.m));
  }

 private:
  struct Extent {
    std::int64_t rows, columns;
  };

  // Several chunks of columns would each pack the same rows of A again, as several chunks of rows would strips of B.
  void pack_all_of_a(std::int64_t chunk_rows, std::int64_t count) {
    const std::int64_t depths = ceil_div(args_.k, depth_);
    part_of_a_ = ceil_div(chunk_rows, height_of(chunk_rows)) * panel_size();
    all_of_a_ = scalars(count * depths * part_of_a_);
    parallel_for(count * depths, args_.parallel ? 1 : count * depths, [&](std::int64_t part, std::int64_t end) {
      for (; part < end; ++part) {
        const std::int64_t i = part / depths * chunk_rows, p = part % depths * depth_;
        const Range rows{i, std::min(i + chunk_rows, args_.m)};
        pack_a(rows, {p, std::min(p + depth_, args_.k)}, height_of(rows.size()),
               static_cast<Scalar*>(all_of_a_.data()) + part * part_of_a_);
      }
    });
    chunk_rows_ = chunk_rows;
  }

  // What pack_all_of_a made of these rows.
  [[nodiscard]] const Scalar* packed_a(Range rows, Range depth) const noexcept {
    const std::int64_t part = rows.begin / chunk_rows_ * ceil_div(args_.k, depth_) + depth.begin / depth_;
    return static_cast<const Scalar*>(all_of_a_.data()) + part * part_of_a_;
  }

  // Rows so that A's part of one depth stays in five eighths of the second cache, columns for the work of a chunk. A
  // weight's gradient is cut into rows, as far as they fill tiles: whoever makes a row of it updates that row of the
  // weight and multiplies by it, and no line of them changes to another processor's cache.
  [[nodiscard]] Extent chunk() const noexcept {
    const std::int64_t fitting =
        second_level_cache_bytes() / 8 * 5 / (depth_ * static_cast<std::int64_t>(sizeof(Scalar)));
    const std::int64_t flops = std::max(kChunkFlops, 2 * args_.m * args_.n / kChunks * args_.k);
    std::int64_t rows = std::clamp<std::int64_t>(fitting, 4 * table_.gemm_mr, 256);
    if (args_.n <= table_.gemm_nr) rows = std::min(rows, flops / (2 * args_.n * args_.k) + 1);
    if (args_.transpose_a) rows = std::min(rows, std::max(ceil_div(args_.m, 2), 4 * table_.gemm_mr));
    rows = even_step(args_.m, std::max(rows, table_.gemm_mr), args_.transpose_a ? 1 : table_.gemm_mr);
    const std::int64_t columns = flops / (2 * std::min(rows, args_.m) * args_.k) + 1;
    return {rows, even_step(args_.n, round_up(columns, table_.gemm_nr), table_.gemm_nr)};
  }

  // Both operands lie along k, and B would be packed for few rows or for a strip that is mostly empty.
  [[nodiscard]] bool prefers_dots() const noexcept {
    if (!args_.transpose_b || args_.transpose_a) return false;
    return args_.m <= 4 || (args_.k >= 128 && (args_.m <= 32 || 2 * args_.n <= table_.gemm_nr));
  }

  // B is read once: neither packing it nor coming back for every strip of its columns would pay.
  [[nodiscard]] bool prefers_few_rows() const noexcept {
    return !args_.transpose_b && args_.m <= kFewRows && args_.n > table_.gemm_nr;
  }

  // What a piece of C gets besides the product: bias and activation come with the last depth.
  [[nodiscard]] GemmTile piece(Range rows, Range columns, Range depth) const noexcept {
    const bool last = depth.end == args_.k;
    return {.m = rows.size(),
            .n = columns.size(),
            .k = depth.size(),
            .a = args_.a + rows.begin * a_row_ + depth.begin * a_column_,
            .a_row = a_row_,
            .a_column = a_column_,
            .b = args_.b == nullptr ? nullptr : args_.b + depth.begin * b_row_ + columns.begin * b_column_,
            .b_row = args_.ldb,
            .c = args_.c + rows.begin * args_.ldc + columns.begin,
            .c_row = args_.ldc,
            .accumulate = args_.accumulate || depth.begin > 0,
            .column_bias = last && args_.column_bias != nullptr ? args_.column_bias + columns.begin : nullptr,
            .row_bias = last && args_.row_bias != nullptr ? args_.row_bias + rows.begin : nullptr,
            .relu = last && args_.relu};
  }

  void dot_chunk(Range rows, Range columns) const {
    for_steps({0, args_.k}, even_step(args_.k, kDotDepth, 4),
              [&](Range depth) { table_.gemm_dot(piece(rows, columns, depth)); });
  }

  // Memory is what it takes, and memory is fast where long pieces of rows of B are read one after the other. So columns are
  // cut into strips, and where those are too few for the threads, k; each part of k but the first, which goes to C, has
  // sums of its own.
  void few_rows() const {
    const std::int64_t strips = ceil_div(args_.n, kRowColumns), size = args_.m * args_.n;
    const std::int64_t wanted = std::clamp<std::int64_t>(2 * size * args_.k / kPartFlops / strips, 1, kMostParts);
    const std::int64_t step = even_step(args_.k, ceil_div(args_.k, wanted), 4), parts = ceil_div(args_.k, step);
    const Storage storage(static_cast<std::size_t>((parts - 1) * size) * sizeof(Scalar));
    auto* sums = static_cast<Scalar*>(storage.data());
    const Range rows{0, args_.m};
    parallel_for(parts * strips, args_.parallel ? 1 : parts * strips, [&](std::int64_t chunk, std::int64_t end) {
      for (; chunk < end; ++chunk) {
        const std::int64_t p = chunk / strips * step, j = chunk % strips * kRowColumns;
        GemmTile tile = piece(rows, {j, std::min(j + kRowColumns, args_.n)}, {p, std::min(p + step, args_.k)});
        if (p > 0) {
          tile.accumulate = false;
          tile.c = sums + (p / step - 1) * size + j;
          tile.c_row = args_.n;
        }
        if (parts > 1) {  // bias and activation come with the sum of all
          tile.column_bias = tile.row_bias = nullptr;
          tile.relu = false;
        }
        table_.gemm_few_rows(tile);
      }
    });
    for (std::int64_t i = 0; i < (parts - 1) * args_.m; ++i) {
      Scalar* c = args_.c + i % args_.m * args_.ldc;
      table_.add(args_.n, c, sums + i * args_.n, c);
    }
    if (parts > 1) table_.gemm_few_rows(piece(rows, {0, args_.n}, {args_.k, args_.k}));
  }

  void tile_chunk(Range rows, Range columns) const {
    const std::int64_t height = height_of(rows.size());
    const bool own_a = chunk_rows_ == 0 && packs_a(columns.size());
    const Storage a_panels = own_a ? scalars(ceil_div(rows.size(), height) * panel_size()) : Storage();
    const bool packs = packed_b_ == nullptr && (args_.b_bytes != nullptr || strides_hurt_b(rows.size()));
    const Storage b_panel = packs ? scalars(depth_ * table_.gemm_nr) : Storage();
    auto* own_b = static_cast<Scalar*>(b_panel.data());
    for_steps({0, args_.k}, depth_, [&](Range depth) {
      const Scalar* a = nullptr;
      if (own_a) {
        pack_a(rows, depth, height, static_cast<Scalar*>(a_panels.data()));
        a = static_cast<const Scalar*>(a_panels.data());
      } else if (chunk_rows_ > 0) {
        a = packed_a(rows, depth);
      }
      for_steps(columns, table_.gemm_nr, [&](Range strip) {
        GemmTile tile = piece(rows, strip, depth);
        if (packed_b_ != nullptr) {
          tile.b = packed_b_->panel(depth.begin, strip.begin);
          tile.b_row = table_.gemm_nr;
        } else if (own_b != nullptr) {
          pack_b(args_, depth.begin, depth.size(), strip.begin, strip.size(), own_b);
          tile.b = own_b;
          tile.b_row = table_.gemm_nr;
        }
        row_of_tiles(tile, height, a, next_strip(columns, strip, depth, ceil_div(rows.size(), height)));
      });
    });
  }

  // The tiles of one strip, from the top down. `whole` describes all of its rows.
  void row_of_tiles(const GemmTile& whole, std::int64_t height, const Scalar* packed_a, Prefetch next) const noexcept {
    GemmTile tile = whole;
    if (packed_a != nullptr) {
      tile.a = packed_a;
      tile.a_row = 1;
      tile.a_column = table_.gemm_mr;
    }
    const std::int64_t a_step = packed_a != nullptr ? panel_size() : height * a_row_;
    for (std::int64_t left = whole.m; left > 0; left -= height) {
      tile.ahead = next.next();
      tile.m = std::min(height, left);
      table_.gemm_tile(tile);
      tile.a += a_step;
      tile.c += height * tile.c_row;
      if (tile.row_bias != nullptr) tile.row_bias += height;
    }
  }

  // The strip of B after this one: the next columns, or the first ones of the next depth.
  [[nodiscard]] Prefetch next_strip(Range columns, Range strip, Range depth, std::int64_t tiles) const noexcept {
    const bool same = strip.end < columns.end;
    const std::int64_t j = same ? strip.end : columns.begin, p = same ? depth.begin : depth.end;
    const std::int64_t n = std::min(columns.end - j, table_.gemm_nr), k = std::min(args_.k - p, depth_);
    if (packed_b_ != nullptr) {
      return Prefetch(packed_b_->panel(p, j), k, table_.gemm_nr, table_.gemm_nr, tiles);
    }
    if (args_.b == nullptr) return Prefetch(nullptr, 0, 0, 0, tiles);
    const Scalar* b = args_.b + p * b_row_ + j * b_column_;
    return args_.transpose_b ? Prefetch(b, n, k, args_.ldb, tiles) : Prefetch(b, k, n, args_.ldb, tiles);
  }

  // Rows of A a whole page apart fall into the same few sets of the cache; a transposed A touches a page for every p.
  [[nodiscard]] bool strides_hurt_a() const noexcept {
    return args_.transpose_a ? args_.lda >= kPageValues / 4 : args_.lda % kPageValues == 0;
  }

  // A transposed B has to be packed; another one is worth it for many rows if its rows are far apart.
  [[nodiscard]] bool strides_hurt_b(std::int64_t rows) const noexcept {
    return args_.transpose_b || (rows > 4 * table_.gemm_mr && args_.ldb >= kPageValues / 4);
  }

  // Packing A pays for that many columns.
  [[nodiscard]] bool packs_a(std::int64_t columns) const noexcept {
    return ceil_div(columns, table_.gemm_nr) >= 4 && strides_hurt_a();
  }

  [[nodiscard]] std::int64_t panel_size() const noexcept { return depth_ * table_.gemm_mr; }
  // Of the tiles that these rows are cut into.
  [[nodiscard]] std::int64_t height_of(std::int64_t rows) const noexcept { return even_step(rows, table_.gemm_mr, 1); }

  [[nodiscard]] static Storage scalars(std::int64_t count) {
    return Storage(static_cast<std::size_t>(count) * sizeof(Scalar));
  }

  void pack_a(Range rows, Range depth, std::int64_t height, Scalar* panel) const {
    for_steps(rows, height, [&](Range part) {
      table_.gemm_pack_a(part.size(), depth.size(), args_.a + part.begin * a_row_ + depth.begin * a_column_, a_row_,
                         a_column_, panel);
      panel += panel_size();
    });
  }

  const Gemm& args_;
  const KernelTable& table_;
  std::int64_t depth_, a_row_, a_column_, b_row_, b_column_;
  const PackedB* packed_b_;  // or null
  Storage all_of_a_;
  std::int64_t chunk_rows_ = 0, part_of_a_ = 0;  // rows of a chunk, if all of A is packed
};

// k = 0: the sum is empty, what is left is bias and activation.
void empty_sum(const Gemm& args, const KernelTable& table) {
  table.gemm_dot({.m = args.m,
                  .n = args.n,
                  .k = 0,
                  .c = args.c,
                  .c_row = args.ldc,
                  .accumulate = args.accumulate,
                  .column_bias = args.column_bias,
                  .row_bias = args.row_bias,
                  .relu = args.relu});
}

}  // namespace

PackedB::PackedB(const Gemm& args)
    : depth_(args.k), panels_(static_cast<std::size_t>(round_up(args.n, kernels().gemm_nr) * args.k) * sizeof(Scalar)) {
  const std::int64_t width = kernels().gemm_nr;
  auto* panels = static_cast<Scalar*>(panels_.data());
  const std::int64_t strips = ceil_div(args.n, width);
  parallel_for(strips, args.parallel ? 1 : strips, [=, &args](std::int64_t strip, std::int64_t end) {
    for (; strip < end; ++strip) {
      const std::int64_t j = strip * width;
      pack_b(args, 0, args.k, j, std::min(width, args.n - j), panels + j * args.k);
    }
  });
}

const Scalar* PackedB::panel(std::int64_t p, std::int64_t j) const noexcept {
  return static_cast<const Scalar*>(panels_.data()) + j * depth_ + p * kernels().gemm_nr;
}

bool packs_b(const Gemm& args) {
  return args.m > 0 && args.n > 0 && args.k > 0 && args.precision == Precision::kFloat32 &&
         Product(args, kernels()).packs_b();
}

void gemm(const Gemm& args) {
  if (args.m == 0 || args.n == 0) return;
  if (args.k == 0) return empty_sum(args, kernels());
  if (args.precision == Precision::kBf16) return detail::bf16_gemm(args, bf16_kernels());
  Product(args, kernels()).run();
}

}  // namespace tempera::core
