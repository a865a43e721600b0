// Reference kernels: the building blocks of matrix multiplication.
#include "tempera/core/kernels/levels.hpp"

namespace tempera::core::detail {
namespace {

constexpr std::int64_t kRows = 4;
constexpr std::int64_t kColumns = kScalarColumns;
constexpr std::int64_t kDepth = 512;

void pack_a(std::int64_t m, std::int64_t k, const Scalar* a, std::int64_t row, std::int64_t column,
            Scalar* panel) noexcept {
  for (std::int64_t p = 0; p < k; ++p) {
    for (std::int64_t i = 0; i < kRows; ++i) *panel++ = i < m ? a[i * row + p * column] : Scalar{0};
  }
}

void pack_b(std::int64_t n, std::int64_t k, const Scalar* b, std::int64_t row, std::int64_t column,
            Scalar* panel) noexcept {
  for (std::int64_t p = 0; p < k; ++p) {
    for (std::int64_t j = 0; j < kColumns; ++j) *panel++ = j < n ? b[p * row + j * column] : Scalar{0};
  }
}

void store(const GemmTile& t, std::int64_t i, std::int64_t j, Scalar value) noexcept {
  Scalar& c = t.c[i * t.c_row + j];
  if (t.accumulate) value += c;
  if (t.column_bias != nullptr) value += t.column_bias[j];
  if (t.row_bias != nullptr) value += t.row_bias[i];
  c = t.relu && value < 0 ? Scalar{0} : value;
}

// One element of C at a time, whatever its extents.
void few_rows(const GemmTile& t) noexcept {
  for (std::int64_t i = 0; i < t.m; ++i) {
    for (std::int64_t j = 0; j < t.n; ++j) {
      Scalar sum = 0;
      for (std::int64_t p = 0; p < t.k; ++p) sum += t.a[i * t.a_row + p * t.a_column] * t.b[p * t.b_row + j];
      store(t, i, j, sum);
    }
  }
}

void tile(const GemmTile& t) noexcept {
  Scalar sums[kRows][kColumns] = {};
  for (std::int64_t p = 0; p < t.k; ++p) {
    for (std::int64_t i = 0; i < t.m; ++i) {
      const Scalar a = t.a[i * t.a_row + p * t.a_column];
      for (std::int64_t j = 0; j < t.n; ++j) sums[i][j] += a * t.b[p * t.b_row + j];
    }
  }
  for (std::int64_t i = 0; i < t.m; ++i) {
    for (std::int64_t j = 0; j < t.n; ++j) store(t, i, j, sums[i][j]);
  }
}

void dot(const GemmTile& t) noexcept {
  for (std::int64_t i = 0; i < t.m; ++i) {
    for (std::int64_t j = 0; j < t.n; ++j) {
      Scalar sum = 0;
      for (std::int64_t p = 0; p < t.k; ++p) sum += t.a[i * t.a_row + p] * t.b[j * t.b_row + p];
      store(t, i, j, sum);
    }
  }
}

}  // namespace

void fill_scalar_gemm(KernelTable& table) {
  table.gemm_mr = kRows;
  table.gemm_nr = kColumns;
  table.gemm_depth = kDepth;
  table.gemm_pack_a = pack_a;
  table.gemm_pack_b = pack_b;
  table.gemm_tile = tile;
  table.gemm_dot = dot;
  table.gemm_few_rows = few_rows;
}

}  // namespace tempera::core::detail
