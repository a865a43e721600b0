// Weights packed for the dot kernels, and accumulators turned into values.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tempera/core/kernels/int_table.hpp"
#include "tempera/quant/engine/lines.hpp"
#include "tempera/quant/engine/places.hpp"
#include "tempera/quant/engine/thresholds.hpp"

namespace tempera::quant::engine {

/// w − zero_w of a layer, row by row, in the order in which its inputs lie: [out][segments][length].
struct WeightRows {
  std::int64_t out = 0, segments = 1, length = 0;
  std::vector<std::int16_t> values;
  /// Every value fits int8.
  [[nodiscard]] bool narrow() const noexcept;
  /// bias + correction · Σ w of each row, modulo 2^32: what dot products of shifted inputs lack.
  [[nodiscard]] std::vector<std::int32_t> corrected(const std::vector<std::int32_t>& bias,
                                                    std::int64_t correction) const;
};

/// panel[segment][step][column][group] for each `columns` rows; a group is 2 or 4 values, what is missing is 0. With `steps`
/// there are at least as many in a segment.
template <class T>
struct Panels {
  std::int64_t group = 2, columns = 0, count = 0;
  std::int64_t segments = 1, steps = 0;
  Lines<T> values;

  [[nodiscard]] std::int64_t size() const noexcept { return segments * steps * columns * group; }  ///< of one
  [[nodiscard]] const T* panel(std::int64_t i) const noexcept { return values.data() + i * size(); }
};

template <class T>
[[nodiscard]] Panels<T> pack(const WeightRows& weight, std::int64_t columns, std::int64_t group,
                             std::int64_t steps = 0);
extern template Panels<std::int8_t> pack(const WeightRows&, std::int64_t, std::int64_t, std::int64_t);
extern template Panels<std::int16_t> pack(const WeightRows&, std::int64_t, std::int64_t, std::int64_t);

/// The steps of two values of a row that are not both 0, as a SparseRow lists them: steps and values have room for
/// length / 2 + 1. Returns how many.
[[nodiscard]] std::int64_t nonzero_steps(const std::int16_t* x, std::int64_t length, std::int32_t* steps,
                                         std::int32_t* values) noexcept;
/// The steps at which any of `rows` is not 0; rows are readable 64 bytes beyond their end, `steps` has room for all
/// (length + 1) / 2. Returns how many.
[[nodiscard]] std::int64_t nonzero_steps(std::span<const void* const> rows, std::int64_t length,
                                         std::int32_t* steps) noexcept;

/// Whether a kernel has the arithmetic: the default mode, M < 1. Larger sums then give larger values, or the same.
[[nodiscard]] bool has_kernel(const std::optional<Requant>& requant) noexcept;

/// Accumulators → values of a place, with the kernel where it has the arithmetic (has_kernel). A place of
/// bytes takes no others.
class Output {
 public:
  /// `channels` columns from `first` on.
  Output(const Place& place, const std::optional<Requant>& requant, std::int64_t channels);

  /// c [m, c_row] holds the columns [first, first + n), readable up to whole panels; `first` is a multiple of the panels'
  /// columns. y points at channel 0 of the first row; rows are y_row values apart.
  void write(std::int64_t m, std::int64_t first, std::int64_t n, const std::int32_t* c, std::int64_t c_row, void* y,
             std::int64_t y_row) const noexcept;
  /// Sums are what is written.
  [[nodiscard]] bool writes_sums() const noexcept { return wide_ && !requant_ && offset_ == 0; }
  /// Larger sums give larger values, or the same.
  [[nodiscard]] bool keeps_order() const noexcept { return fast_; }

 private:
  [[nodiscard]] std::int32_t value(std::int32_t accumulator, std::int64_t channel) const noexcept;

  bool wide_, bytes_, fast_ = false;
  std::int32_t offset_;
  std::optional<Requant> requant_;
  std::optional<ThresholdTable> thresholds_;
  std::vector<std::int32_t> multiplier_;
  std::vector<std::uint64_t> half_even_, half_odd_, count_even_, count_odd_;
};

}  // namespace tempera::quant::engine
