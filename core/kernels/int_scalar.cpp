// The reference of the integer kernels, in plain loops.
#include <cmath>
#include <cstdint>
#include <cstring>

#include "tempera/core/kernels/int_table.hpp"

namespace tempera::core {
namespace {

#include "int_loops.ipp"

constexpr std::int64_t kRows = 4, kColumns = 8;

#include "int_filters.ipp"

// Activations of type A and weights of type B, `Group` of each a step. Sums are unsigned because they wrap.
template <class A, class B, std::int64_t Group>
void dot(const DotTile& t) noexcept {
  for (std::int64_t i = 0; i < t.m; ++i) {
    std::uint32_t sums[kColumns];
    for (std::int64_t j = 0; j < kColumns; ++j) sums[j] = static_cast<std::uint32_t>(t.bias[i * t.bias_row + j]);
    const B* weights = static_cast<const B*>(t.panel);
    const StepList* list = t.lists == nullptr ? nullptr : t.lists + i / kRows;
    for (std::int64_t s = 0; s < t.segments; ++s, weights += t.steps * kColumns * Group) {
      const char* row = static_cast<const char*>(t.a[i]) + s * t.a_segment;
      for (std::int64_t q = 0; q < (list == nullptr ? t.steps : list->count); ++q) {
        const std::int64_t p = list == nullptr ? q : list->steps[q];
        A x[Group];
        std::memcpy(x, row + p * 4, sizeof x);
        for (std::int64_t j = 0; j < kColumns; ++j) {
          for (std::int64_t g = 0; g < Group; ++g) {
            sums[j] += static_cast<std::uint32_t>(std::int32_t{x[g]} * weights[(p * kColumns + j) * Group + g]);
          }
        }
      }
    }
    std::int32_t* c = t.c + i * (t.c_row == 0 ? kColumns : t.c_row);
    for (std::int64_t j = 0; j < kColumns; ++j) c[j] = static_cast<std::int32_t>(sums[j]);
  }
}

void dot_sparse(const SparseRow& row) noexcept {
  for (std::int64_t panel = 0; panel < row.panels; ++panel) {
    for (std::int64_t j = 0; j < kColumns; ++j) {
      auto sum = static_cast<std::uint32_t>(row.bias[panel * kColumns + j]);
      for (std::int64_t i = 0; i < row.count; ++i) {
        std::int16_t x[2];
        std::memcpy(x, row.values + i, sizeof x);
        const std::int8_t* w = row.panel + panel * row.panel_bytes + (row.steps[i] * kColumns + j) * 2;
        sum += static_cast<std::uint32_t>(x[0] * w[0] + x[1] * w[1]);
      }
      row.c[panel * kColumns + j] = static_cast<std::int32_t>(sum);
    }
  }
}

void requant(const RequantTile& t) noexcept {
  for (std::int64_t i = 0; i < t.m; ++i) {
    for (std::int64_t j = 0; j < t.n; ++j) {
      const std::int64_t product = std::int64_t{t.c[i * t.c_row + j]} * t.multiplier[j];
      const std::uint64_t half = (j % 2 == 0 ? t.half_even : t.half_odd)[j / 2];
      const std::uint64_t count = (j % 2 == 0 ? t.count_even : t.count_odd)[j / 2];
      const std::uint64_t sum = static_cast<std::uint64_t>(product < 0 ? -product : product) + half;
      const auto rounded = static_cast<std::int32_t>(count > 63 ? 0 : sum >> count);
      std::int32_t q = product < 0 ? -rounded : rounded;
      q = q < t.low ? t.low : q > t.high ? t.high : q;
      static_cast<std::int16_t*>(t.y)[i * t.y_row + j] = static_cast<std::int16_t>(q + t.offset);
    }
  }
}

void quantize_s16(std::int64_t n, const Scalar* x, float scale, float low, float high, std::int32_t offset,
                  std::int16_t* y) noexcept {
  for (std::int64_t i = 0; i < n; ++i) {
    float r = std::nearbyint(static_cast<float>(x[i]) / scale);
    r = r != r ? 0.0F : r < low ? low : r > high ? high : r;
    y[i] = static_cast<std::int16_t>(static_cast<std::int32_t>(r) + offset);
  }
}

}  // namespace

void detail::fill_int_scalar(IntKernelTable& table) noexcept {
  table.rows = kRows;
  table.columns = kColumns;
  table.dot_pairs = dot<std::int16_t, std::int16_t, 2>;
  table.dot_pairs_s8 = dot<std::int16_t, std::int8_t, 2>;
  table.dot_quads = nullptr;
  table.requant_u8 = nullptr;
  table.quantize_u8 = nullptr;
  table.dot_sparse = dot_sparse;
  table.requant = requant;
  table.quantize_s16 = quantize_s16;
  fill_loops(table);
  fill_filters(table);
}

}  // namespace tempera::core
