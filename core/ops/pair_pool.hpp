// Max-pooling by neighbouring windows of 2×2, which has kernels of its own.
#pragma once

#include "tempera/core/kernels/table.hpp"
#include "tempera/core/lazy_tensor.hpp"
#include "tempera/core/storage.hpp"
#include "tempera/core/tensor.hpp"

namespace tempera::core {

/// max_pool2d where pools_pairs holds: its result, and which of its four pixels each window took (a number of type Scalar).
struct PairPool {
  Tensor y;
  Storage chosen;
  explicit PairPool(const Shape& shape) : y(shape), chosen(static_cast<std::size_t>(shape.numel()) * sizeof(Scalar)) {}
};
[[nodiscard]] PairPool pool_pairs(const Tensor& x);
/// Of `planes` planes, one after the other.
inline void pool_planes(const PairPlane& plane, std::int64_t planes, const Scalar* x, Scalar* y,
                        Scalar* chosen) noexcept {
  for (; planes > 0; --planes, x += plane.pixels(), y += plane.windows(), chosen += plane.windows()) {
    kernels().pool_pairs(plane, x, y, chosen);
  }
}

/// What pool_pairs would make of the pixels that KernelTable::fake_quant makes of x.
struct GridPool {
  PairPool pool;
  Tensor taken;  ///< the chosen pixels of x
  bool inside;   ///< as fake_quant says, of the pixels in windows
};
[[nodiscard]] GridPool pool_pairs_on_grid(const Tensor& x, const FakeQuantGrid& grid);

/// The gradient by the input.
[[nodiscard]] Tensor spread_pairs(const Tensor& dy, const Storage& chosen, const Shape& input);
inline void spread_planes(const PairPlane& plane, std::int64_t planes, const Scalar* dy, const Scalar* chosen,
                          Scalar* dx) noexcept {
  for (; planes > 0; --planes, dy += plane.windows(), chosen += plane.windows(), dx += plane.pixels()) {
    kernels().pool_pairs_grad(plane, dy, chosen, dx);
  }
}

/// The same, three quarters zeros, before it is spread: a convolution does that image by image.
class PairGradient final : public DeferredTensor {
 public:
  /// `taken`: the chosen pixels of `input`, for who has that and asks about them; or nothing.
  PairGradient(Tensor dy, Storage chosen, Shape shape, const Tensor& input = {}, Tensor taken = {})
      : dy_(std::move(dy)), chosen_(std::move(chosen)), shape_(shape), input_(input), taken_(std::move(taken)) {}

  [[nodiscard]] const Shape& shape() const noexcept override { return shape_; }
  [[nodiscard]] Tensor make() const override { return spread_pairs(dy_, chosen_, shape_); }
  [[nodiscard]] const Tensor& dy() const noexcept { return dy_; }
  [[nodiscard]] const Storage& chosen() const noexcept { return chosen_; }
  /// The chosen pixels of x; null where they are not at hand. Operations in between may have made x something else.
  [[nodiscard]] const Tensor* taken_of(const Tensor& x) const noexcept {
    return input_.empty() || !input_.shares_storage(x) ? nullptr : &taken_;
  }

 private:
  Tensor dy_;
  Storage chosen_;
  Shape shape_;
  Tensor input_, taken_;
};

}  // namespace tempera::core
