// Weights of a layer whose activations get their integers at run time, packed for the kernels, and products with them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tempera/core/scalar.hpp"
#include "tempera/nn/graph.hpp"
#include "tempera/quant/engine/panels.hpp"
#include "tempera/quant/quantizer.hpp"

namespace tempera::quant::dynamic {

/// Rows of integers less their zero point, wherever they lie, and where their products go. Distances are in values.
struct Rows {
  std::int64_t m = 0;
  const std::int16_t* q = nullptr;  ///< q − z; row i begins at q + (i / per_line)·line + (i % per_line)·step
  /// Instead: q − qmin, arranged alike but readable three values beyond, and z − qmin of each row. For weights that take bytes.
  const std::uint8_t* bytes = nullptr;
  const std::int32_t* shift = nullptr;
  std::int64_t step = 0, per_line = 1, line = 0;
  std::int64_t segment = 0;      ///< from a piece of a row to the next, each readable one value beyond its length
  const float* scale = nullptr;  ///< of each row
  std::int64_t scale_step = 1;   ///< 0: all rows have the first scale and shift
  Scalar* y = nullptr;           ///< output 0 of row 0, and the steps to the next
  std::int64_t y_row = 0, y_output = 1;
  bool relu = false;  ///< max(·, 0) last

  [[nodiscard]] std::int64_t begin(std::int64_t i) const noexcept { return i / per_line * line + i % per_line * step; }
};

/// A layer's weights [groups · outputs, length]: as bytes for linear layers, which read each of them once a batch, as int16
/// for convolutions, which read them again for every few pixels, and where bytes are too small.
class PackedWeight {
 public:
  /// Of a linear layer or a convolution; `grid`: what the integers of its inputs have in common. Throws UnsupportedError
  /// naming the layer as weight_integers does, and where a sum could leave int32.
  PackedWeight(const nn::GraphNode& node, const QParams& grid,
               const core::IntKernelTable& kernels = core::int_kernels());

  [[nodiscard]] const core::IntKernelTable& kernels() const noexcept { return kernels_; }
  /// `m` rows have to come as bytes: the level multiplies them, and inputs and weights fit.
  [[nodiscard]] bool takes_bytes(std::int64_t m) const noexcept;

  [[nodiscard]] std::int64_t groups() const noexcept { return groups_; }
  [[nodiscard]] std::int64_t outputs() const noexcept { return outputs_; }  ///< of a group
  [[nodiscard]] std::int64_t length() const noexcept { return length_; }    ///< of a row
  /// Which value of a window [channel, kernel row, kernel column] stands at position k of a row. Channels stand together,
  /// unless scales are shared by neighbours in the weight's own order.
  [[nodiscard]] std::int64_t source(std::int64_t k) const noexcept {
    return taps_ == 1 ? k : k % (length_ / taps_) * taps_ + k / (length_ / taps_);
  }

  /// Pieces of a row that may lie apart: the kernel rows of a filter without gaps, else 1.
  [[nodiscard]] std::int64_t segments() const noexcept { return segments_; }

  /// y[i, o] = Σ_p float(Σ_{k in p} q_x[i, k]·q_w[o, k]) · (s_x[i]·s_w[o, p]) + b[o] for the outputs of a group, where p are the
  /// inputs that share a scale. Sums within p are exact, everything outside is float32, from left to right: the same bits
  /// on every level and for every number of threads.
  void multiply(std::int64_t group, const Rows& rows) const;

 private:
  // The outputs of a group times one p.
  struct Part {
    engine::Panels<std::int8_t> narrow;
    engine::Panels<std::int16_t> wide;  // instead of them
    engine::Panels<std::int8_t> quads;
    std::vector<std::int32_t> sums;  // of each output's weights, in whole panels: for quads
  };
  [[nodiscard]] Part part_of(const nn::GraphNode& node, const QParams& grid, const Integers& integers,
                             std::int64_t group, std::int64_t piece);
  void multiply_few(std::int64_t group, const Rows& rows) const;
  void multiply_panel(std::int64_t group, std::int64_t panel, const Rows& rows, std::int64_t first) const;
  void dots(const Part& part, std::int64_t panel, std::span<const void* const> a, const Rows& rows, std::int64_t first,
            std::int32_t* c) const;
  [[nodiscard]] const Scalar* scale(std::int64_t group, std::int64_t piece) const noexcept {
    return scale_.data() + (group * pieces_ + piece) * padded_;
  }
  [[nodiscard]] const Scalar* bias(std::int64_t group) const noexcept { return bias_.data() + group * padded_; }

  const core::IntKernelTable& kernels_;
  bool bytes_ = false, linear_ = false;
  std::int64_t groups_ = 1, outputs_ = 0, length_ = 0;
  std::int64_t taps_ = 1;  // of a filter, if channels stand together
  std::int64_t segments_ = 1;
  std::int64_t pieces_ = 1, piece_ = 0;  // p: how many, how long
  std::int64_t padded_ = 0;              // outputs in whole panels
  std::vector<Part> parts_;              // [groups, pieces]
  std::vector<Scalar> scale_, bias_;     // [groups, pieces, padded], [groups, padded]
  std::vector<std::int32_t> no_bias_;    // [columns]
};

}  // namespace tempera::quant::dynamic
