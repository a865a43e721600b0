// The weights of a linear layer or a convolution, packed in the forms the kernels take, and what becomes of the sums.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "tempera/quant/engine/panels.hpp"
#include "tempera/quant/engine/step.hpp"

namespace tempera::quant::engine {

/// The least value of cells of eight bits.
[[nodiscard]] constexpr std::int32_t lowest_of(Cell cell) noexcept { return cell == Cell::kS8 ? -128 : 0; }

/// Rows of a matrix product, wherever they lie.
struct ProductRows {
  std::int64_t m = 0;
  const void* const* a = nullptr;
  std::int64_t a_segment = 0;             ///< bytes
  const core::StepList* lists = nullptr;  ///< of Product::list_steps, or null
  void* y = nullptr;                      ///< output channel 0 of the first row
  std::int64_t y_row = 0;                 ///< values
  /// Not 0: rows are pixels, and results those of image rows of `width`, each `line` rows after the one before it.
  std::int64_t width = 0, line = 0;
  bool pool = false;  ///< of each 2 × 2 of these results only the largest is written
};

class Product {
 public:
  /// Memory: weights stand as one byte each where those of a linear layer fit (`bytes`), as the kernels widen them in no more
  /// time than it takes to read int16; a convolution reads its few weights again for every block, and has them wide.
  /// Rows are uint8 with `quads`, for which fits_bytes() has to hold.
  Product(const StepSource& source, const WeightRows& rows, const std::vector<std::int32_t>& bias,
          const std::optional<Requant>& requant, bool bytes, bool quads);

  static constexpr std::int64_t kBlock = 128;  ///< rows at a time, at the most
  /// Rows at a time on this level: more of them where products are so fast that reading weights is what takes time.
  [[nodiscard]] static std::int64_t block() noexcept;

  /// Whether the level multiplies bytes, and inputs and weights less their zero points are some.
  [[nodiscard]] static bool fits_bytes(const ProgramBuffer& input, const ProgramWeight& weight);
  /// Rows are uint8, q − lowest_of(cell), instead of values of the place. Each of their segments is readable up to whole
  /// 64 bytes.
  [[nodiscard]] bool takes_bytes() const noexcept { return !quads_.values.empty(); }
  /// What turns values of the place into such bytes.
  [[nodiscard]] std::int32_t byte_shift() const noexcept { return byte_shift_; }
  /// Products of single rows are possible.
  [[nodiscard]] bool has_sparse() const noexcept { return !pairs_.values.empty(); }

  /// Whether ProductRows::pool may be asked for.
  [[nodiscard]] bool keeps_order() const noexcept { return writer_.keeps_order(); }

  /// Lists of the steps at which the rows of a tile are not all 0, and room for the steps.
  using StepLists = std::array<core::StepList, kBlock>;
  /// Bytes of scratch for the steps of block() rows.
  [[nodiscard]] std::int64_t list_bytes() const noexcept;
  /// Fills `lists` for rows of int16 values, m ≤ kBlock, where has_sparse(), from memory of list_bytes(). False if too few
  /// steps can be left out to pay for it.
  [[nodiscard]] bool list_steps(std::span<const void* const> rows, std::byte* scratch, StepLists& lists) const noexcept;

  /// y = output of A·W + bias; 1 ≤ rows.m ≤ block().
  void run(const ProductRows& rows) const noexcept;
  /// The same for one row of int16 values, by the steps that are not 0. `scratch` holds sparse_bytes().
  void run_sparse(const std::int16_t* x, std::byte* scratch, void* y) const noexcept;
  [[nodiscard]] std::int64_t sparse_bytes() const noexcept;

 private:
  using Kernel = void (*)(const core::DotTile&) noexcept;
  struct Operand {  // weights as a kernel takes them
    Kernel kernel;
    const void* panels;
    std::int64_t panel_bytes, steps;
    const std::int32_t* bias;
  };
  void run_panels(const ProductRows& rows, const Operand& weights) const noexcept;
  // The sums of columns from `first` on; where they are pooled, they are written over.
  void write(const ProductRows& rows, std::int64_t first, std::int64_t n, std::int32_t* c) const noexcept;
  [[nodiscard]] Lines<std::int32_t> padded(const std::vector<std::int32_t>& bias) const;

  const core::IntKernelTable& kernels_;
  std::int64_t out_, segments_, length_, cell_;
  Panels<std::int8_t> pairs_, quads_;
  Panels<std::int16_t> wide_;
  std::int32_t byte_shift_;
  Lines<std::int32_t> bias_, byte_bias_;
  Output writer_;
};

}  // namespace tempera::quant::engine
