// The weights of a linear layer or a convolution, packed in the forms the kernels take, and what becomes of the sums.
#pragma once

#include <cstdint>
#include <vector>

#include "tempera/quant/engine/panels.hpp"
#include "tempera/quant/engine/step.hpp"

namespace tempera::quant::engine {

/// Rows of a matrix product, wherever they lie.
struct ProductRows {
  std::int64_t m = 0;
  const void* const* a = nullptr;
  std::int64_t a_segment = 0;  ///< bytes
  void* y = nullptr;           ///< output channel 0 of the first row
  std::int64_t y_row = 0;      ///< values
};

class Product {
 public:
  /// Memory: weights stand as one byte each (`keep_bytes`), and from the first `widen` on as int16 too, except on levels
  /// whose kernels take bytes.
  Product(const StepSource& source, WeightRows rows, const std::vector<std::int32_t>& bias,
          const std::optional<Requant>& requant, bool keep_bytes);

  static constexpr std::int64_t kBlock = 48;  ///< rows at a time: a multiple of every kernel's tile

  /// Rows are uint8, q − low_of_cells, instead of values of the place.
  [[nodiscard]] bool takes_bytes() const noexcept { return !quads_.values.empty(); }
  /// What turns values of the place into such bytes.
  [[nodiscard]] std::int32_t byte_shift() const noexcept { return byte_shift_; }
  /// Products of single rows are possible.
  [[nodiscard]] bool has_sparse() const noexcept { return !pairs_.values.empty(); }
  void widen();

  /// y = output of A·W + bias; rows.m ≤ kBlock.
  void run(const ProductRows& rows) const noexcept;
  /// The same for one row of int16 values, by the steps that are not 0. `scratch` holds sparse_bytes().
  void run_sparse(const std::int16_t* x, std::byte* scratch, void* y) const noexcept;
  [[nodiscard]] std::int64_t sparse_bytes() const noexcept;

 private:
  using Kernel = void (*)(const core::DotTile&) noexcept;
  void run_panels(const ProductRows& rows, Kernel kernel, std::int64_t tile_rows, const void* panels,
                  std::int64_t panel_bytes, std::int64_t steps, const std::int32_t* bias) const noexcept;
  [[nodiscard]] std::vector<std::int32_t> padded(std::vector<std::int32_t> bias) const;

  const core::IntKernelTable& kernels_;
  std::int64_t out_, segments_, length_;
  WeightRows rows_;  ///< until they are widened
  Panels<std::int8_t> pairs_, quads_;
  Panels<std::int16_t> wide_;
  std::int32_t byte_shift_;
  std::vector<std::int32_t> bias_, byte_bias_;
  Output writer_;
};

}  // namespace tempera::quant::engine
