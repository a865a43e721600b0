// The kernel table: plain function pointers, filled once, scalar first and then overridden by each instruction set the
// processor reports. The environment variable TEMPERA_ISA
// (scalar|sse42|avx2|avx512|avx512vnni|amx) forces a level.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "tempera/core/kernels/channels.hpp"
#include "tempera/core/kernels/conv.hpp"
#include "tempera/core/kernels/winograd.hpp"
#include "tempera/core/scalar.hpp"

namespace tempera::core {

/// Instruction levels in rising order. The last two add integer dot products (int_table.hpp); in floats they are avx512.
enum class Isa { kScalar, kSse42, kAvx2, kAvx512, kAvx512Vnni, kAmx };

[[nodiscard]] std::string_view isa_name(Isa level) noexcept;
/// Levels this build has kernels for and this processor (and its operating system) can run, in rising order.
[[nodiscard]] std::vector<Isa> available_isas();

/// Lines of memory to be brought near: `lines` of them from x on, after each `across` the next `stride` values further
/// than the first of these.
struct Ahead {
  const Scalar* x = nullptr;
  std::int64_t lines = 0, across = 1, stride = 0;
};

/// A piece of a matrix product: C(m×n) = act(A·B + bias), or C += A·B. The operands may be packed or not: A is reached
/// through both of its strides, B(p, j) = b[p·b_row + j]. Nothing outside of the m×k, k×n and m×n elements is touched.
/// What lies ahead is only asked for.
struct GemmTile {
  std::int64_t m = 0, n = 0, k = 0;
  const Scalar* a = nullptr;
  std::int64_t a_row = 0, a_column = 0;  ///< A(i, p) = a[i·a_row + p·a_column]; one of them is 1
  const Scalar* b = nullptr;
  std::int64_t b_row = 0;
  Scalar* c = nullptr;
  std::int64_t c_row = 0;               ///< C(i, j) = c[i·c_row + j]
  bool accumulate = false;              ///< C += instead of C =; bias and relu come after it
  const Scalar* column_bias = nullptr;  ///< [n], added to every row, or null
  const Scalar* row_bias = nullptr;     ///< [m], added to every column, or null
  bool relu = false;                    ///< max(·, 0) last; NaN stays NaN
  Ahead ahead{};                        ///< asked for on the way, a line a step of k, or not at all
};

/// Bytes that kernels may read, and do not use, behind those of core::ScaledBytes: whole vectors are loaded.
inline constexpr std::int64_t kReadBehindBytes = 64;

/// Integers [low, high] that stand for (q − zero)·scale; all three are whole numbers below 2^24.
struct FakeQuantGrid {
  Scalar scale = 1;
  Scalar zero = 0, low = 0, high = 0;
  /// Of the values to come it is known that none is NaN or rounds beyond low or high.
  bool covers = false;
};

/// A staircase of sigmoids (Yang et al. 2019): height·(Σ σ(temperature·(p − k)) − middle) over k = 1 … steps, where the position
/// of x is p = x/width + middle + ½. `middle` and `steps` are whole numbers below 2^17.
struct SigmoidStairs {
  double temperature = 1, width = 1;
  double height = 1, middle = 0, steps = 1;
};
/// A sigmoid of an argument further from 0 than this counts as 0 or 1: it is to within e^−reach, which is below the rounding of a
/// sum of 65535.
inline constexpr double kSigmoidReach = sizeof(Scalar) == sizeof(double) ? 48 : 28;
/// The temperatures that every level takes; the scalar one takes all above 0.
inline constexpr double kLeastStairsTemperature = 0.5, kMostStairsTemperature = 256;

/// Unless said otherwise n counts elements, x, y, a, b may not overlap partially, and y may equal an input.
struct KernelTable {
  using Unary = void (*)(std::int64_t n, const Scalar* x, Scalar* y) noexcept;
  using Binary = void (*)(std::int64_t n, const Scalar* a, const Scalar* b, Scalar* y) noexcept;
  using BinaryScalar = void (*)(std::int64_t n, const Scalar* a, Scalar b, Scalar* y) noexcept;
  using Reduce = Scalar (*)(std::int64_t n, const Scalar* x) noexcept;
  using Rows = void (*)(std::int64_t rows, std::int64_t columns, const Scalar* x, Scalar* y) noexcept;

  Isa level = Isa::kScalar;

  // y = a ∘ b
  Binary add, sub, mul, div;
  BinaryScalar add_scalar, mul_scalar;
  /// y += a·x
  void (*axpy)(std::int64_t n, Scalar a, const Scalar* x, Scalar* y) noexcept;

  // y = f(x); gelu is the exact x·Φ(x), relu leaves NaN alone
  Unary exp, log, sqrt, relu, gelu, sigmoid, tanh, softplus;
  // dx from (dy, y or x): relu_grad(dy, y), sigmoid_grad(dy, y), tanh_grad(dy, y), gelu_grad(dy, x)
  Binary relu_grad, sigmoid_grad, tanh_grad, gelu_grad;

  Reduce sum;  ///< fixed order of additions for a given n and level
  Reduce sum_squares;
  Rows column_sum;   ///< y[c] += Σ_r x[r, c]
  Rows softmax;      ///< of each row
  Rows log_softmax;  ///< of each row
  /// dx from (dy, y = softmax): y·(dy − Σ dy·y) by row
  void (*softmax_grad)(std::int64_t rows, std::int64_t columns, const Scalar* dy, const Scalar* y, Scalar* dx) noexcept;
  /// Per row: loss[r] = −Σ t·log softmax(x), grad = scale·(softmax(x) − t), t = (1−smoothing)·onehot + smoothing/columns.
  /// Labels must lie in [0, columns). grad may be null.
  void (*cross_entropy)(std::int64_t rows, std::int64_t columns, const Scalar* x, const std::int32_t* labels,
                        Scalar smoothing, Scalar scale, Scalar* loss, Scalar* grad) noexcept;

  /// y = x·scale + shift
  void (*normalize_u8)(std::int64_t n, const std::uint8_t* x, Scalar scale, Scalar shift, Scalar* y) noexcept;

  /// Momentum SGD as in PyTorch: g += decay·w; v = momentum·v + g; w −= rate·(nesterov ? g + momentum·v : v).
  /// v may be null if momentum is 0.
  void (*sgd)(std::int64_t n, Scalar rate, Scalar momentum, Scalar decay, bool nesterov, const Scalar* g, Scalar* v,
              Scalar* w) noexcept;
  /// Adam (Kingma & Ba 2015, algorithm 1) with c1 = 1−β1^t, c2 = 1−β2^t: g += decay·w; w −= rate·decoupled_decay·w
  /// (Loshchilov & Hutter 2019); m = β1·m + (1−β1)·g; v = β2·v + (1−β2)·g²; w −= rate·(m/c1)/(√(v/c2) + ε)
  void (*adam)(std::int64_t n, Scalar rate, Scalar beta1, Scalar beta2, Scalar epsilon, Scalar c1, Scalar c2,
               Scalar decay, Scalar decoupled_decay, const Scalar* g, Scalar* m, Scalar* v, Scalar* w) noexcept;

  /// The smallest and the largest value: +∞ and −∞ for n = 0, NaN both if any is NaN.
  void (*min_max)(std::int64_t n, const Scalar* x, Scalar* low, Scalar* high) noexcept;
  /// y = (clamp(round(x/scale) + zero, low, high) − zero)·scale: rounds half to even, divides truly, so that every level
  /// gives the same bits. NaN stays NaN. True if nothing had to be clamped and nothing is NaN: the derivative is 1 then.
  bool (*fake_quant)(std::int64_t n, const FakeQuantGrid& grid, const Scalar* x, Scalar* y) noexcept;
  /// dx = dy where low ≤ round(x/scale) + zero ≤ high, else 0.
  void (*fake_quant_grad)(std::int64_t n, const FakeQuantGrid& grid, const Scalar* x, const Scalar* dy,
                          Scalar* dx) noexcept;

  // Building blocks of core/scaled_bytes.hpp. `q` may be read for kReadBehindBytes behind what counts.
  /// q = clamp(round(x/scale), low, high), for grids of zero 0 within [−128, 127] and finite x. True as fake_quant is.
  bool (*fake_quant_bytes)(std::int64_t n, const FakeQuantGrid& grid, const Scalar* x, std::int8_t* q) noexcept;
  /// y = q·scale
  void (*expand_bytes)(std::int64_t n, const std::int8_t* q, Scalar scale, Scalar* y) noexcept;

  /// y = the staircase at x, slope = its derivative. Steps beyond kSigmoidReach are not computed.
  /// Positions have the precision of a float after the point, by the scalar level that of a double.
  void (*sigmoid_stairs)(std::int64_t n, const SigmoidStairs& stairs, const Scalar* x, Scalar* y,
                         Scalar* slope) noexcept;

  // Building blocks of core/gemm.cpp.
  std::int64_t gemm_mr, gemm_nr;  ///< largest tile of C that gemm_tile makes
  std::int64_t gemm_depth;        ///< most steps of k that it goes in one call while its operands stay near
  /// panel[p·mr + i] = A(i, p) for m rows, m ≤ mr; the rows up to mr are filled with 0. A(i, p) is a[i·row + p·column].
  void (*gemm_pack_a)(std::int64_t m, std::int64_t k, const Scalar* a, std::int64_t row, std::int64_t column,
                      Scalar* panel) noexcept;
  /// panel[p·nr + j] = B(p, j) for n columns, n ≤ nr; columns up to nr are filled with 0. B(p, j) is b[p·row + j·column].
  void (*gemm_pack_b)(std::int64_t n, std::int64_t k, const Scalar* b, std::int64_t row, std::int64_t column,
                      Scalar* panel) noexcept;
  /// The same of B(p, j) = q[p·stride + j]·scales[p].
  void (*gemm_pack_byte_rows)(std::int64_t n, std::int64_t k, const std::int8_t* q, std::int64_t stride,
                              const Scalar* scales, Scalar* panel) noexcept;
  /// The same of B(p, j) = q[j·stride + p]·scales[j].
  void (*gemm_pack_byte_columns)(std::int64_t n, std::int64_t k, const std::int8_t* q, std::int64_t stride,
                                 const Scalar* scales, Scalar* panel) noexcept;
  /// One tile of C: m ≤ gemm_mr, n ≤ gemm_nr.
  void (*gemm_tile)(const GemmTile& tile) noexcept;
  /// C of any m and n from operands that are both contiguous along k: a_column = 1 and B(p, j) = b[j·b_row + p]. Nothing
  /// has to be packed, which is what counts when C has few rows.
  void (*gemm_dot)(const GemmTile& tile) noexcept;
  /// C of a few rows and any n, from B by rows: reads B once, in the order in which it lies.
  void (*gemm_few_rows)(const GemmTile& tile) noexcept;

  // Building blocks of core/ops/conv2d_forward.cpp, conv2d_backward.cpp and conv2d_depthwise.cpp.
  /// panel[p·nr + to + i] = image[offsets[p] + from + i] for p < k and i < count of each of the `count` runs; runs lie in
  /// [0, nr) and what they leave out is not written.
  void (*conv_pack)(std::int64_t k, const std::int64_t* offsets, std::int64_t count, const WindowRun* runs,
                    const Scalar* image, Scalar* panel) noexcept;
  void (*conv_gather)(const GatherTile& tile) noexcept;
  std::int64_t conv_lanes;  ///< neighbouring windows that conv_windows reads at a time
  void (*conv_windows)(const WindowTile& tile) noexcept;
  /// The adjoint of unfolding one plane: plane[y, x] = Σ over (ky, kx) of matrix[ky·kw + kx, oy·out_width + ox] with oy =
  /// y + padding − ky·dilation, ox likewise, wherever that is an output.
  void (*conv_fold)(const FoldPlane& windows, const Scalar* matrix, Scalar* plane) noexcept;

  /// sums[p] += Σ of dy times the image's pixels at tap p.
  void (*conv_taps)(const TapPlane& plane) noexcept;

  // Building blocks of core/ops/batch_norm.cpp; arrays beside the tensors have a value for each channel of the block. Sums are
  // added in an order that depends on the block and the level alone.
  /// sums[c] = Σ x
  void (*channel_sum)(const ChannelBlock& block, const Scalar* x, Scalar* sums) noexcept;
  /// sums[c] = Σ (x − mean[c])²
  void (*channel_squares)(const ChannelBlock& block, const Scalar* x, const Scalar* mean, Scalar* sums) noexcept;
  /// sums[c] = Σ dy, products[c] = Σ dy·(x − mean[c])
  void (*channel_products)(const ChannelBlock& block, const Scalar* dy, const Scalar* x, const Scalar* mean,
                           Scalar* sums, Scalar* products) noexcept;
  /// y = (x − mean[c])·factor[c] + shift[c]
  void (*channel_scale)(const ChannelBlock& block, const Scalar* x, const Scalar* mean, const Scalar* factor,
                        const Scalar* shift, Scalar* y) noexcept;
  /// dx = factor[c]·(dy − offset[c] − (x − mean[c])·slope[c])
  void (*channel_scale_grad)(const ChannelBlock& block, const Scalar* dy, const Scalar* x, const Scalar* mean,
                             const Scalar* factor, const Scalar* slope, const Scalar* offset, Scalar* dx) noexcept;

  // Building blocks of core/ops/pair_pool.cpp: pixel 2·(y mod 2) + x mod 2 of a window is the first of the largest, or the
  // last NaN.
  /// y and the chosen pixel of each window.
  void (*pool_pairs)(const PairPlane& plane, const Scalar* x, Scalar* y, Scalar* chosen) noexcept;
  /// The same of fake_quant(grid, x), and taken = the chosen pixel of x. True as fake_quant says of the pixels in windows.
  bool (*pool_pairs_on_grid)(const PairPlane& plane, const FakeQuantGrid& grid, const Scalar* x, Scalar* y,
                             Scalar* chosen, Scalar* taken) noexcept;
  /// dx = dy where the pixel was chosen, else 0.
  void (*pool_pairs_grad)(const PairPlane& plane, const Scalar* dy, const Scalar* chosen, Scalar* dx) noexcept;

  // Building blocks of core/ops/conv2d_winograd.cpp and conv2d_winograd_weight.cpp, with the matrices of winograd.hpp.
  void (*winograd_data)(const WinogradGather& squares) noexcept;    ///< Bᵀ·d·B of (m+r−1)×(m+r−1) pixels
  void (*winograd_filter)(const WinogradGather& squares) noexcept;  ///< G·g·Gᵀ of r×r weights, which are contiguous
  void (*winograd_gradient)(
      const WinogradGather& squares) noexcept;  ///< A·dy·Aᵀ of m×m output gradients; not of m = 2, r = 3
  /// C = A·B or C += A·B of any m, n ≤ gemm_nr, as gemm_tile makes it; but of the last vector of B's and C's columns all
  /// lanes are read and written, and bias and relu do not count.
  void (*winograd_multiply)(const GemmTile& product) noexcept;
  /// Gᵀ·m·G, contiguous r×r weights at to[j] + offsets[i]; not of m = 2, r = 3. Extents, bias and relu do not count.
  void (*winograd_filter_gradient)(const WinogradScatter& sums) noexcept;
  void (*winograd_output)(const WinogradScatter& sums) noexcept;  ///< relu(Aᵀ·M·A + bias)
};

/// The table in use. Chosen at first use from TEMPERA_ISA or the processor; throws UnsupportedError for an unknown or
/// unavailable TEMPERA_ISA.
[[nodiscard]] const KernelTable& kernels();
/// The table of a given level (for tests and benchmarks). Throws UnsupportedError if it is not available.
[[nodiscard]] const KernelTable& kernels_of(Isa level);

}  // namespace tempera::core
