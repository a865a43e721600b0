// Tensor: a contiguous, row-major array of Scalar with value semantics.
#pragma once

#include <initializer_list>
#include <span>
#include <vector>

#include "tempera/core/scalar.hpp"
#include "tempera/core/shape.hpp"
#include "tempera/core/storage.hpp"

namespace tempera::core {

/// A handle to a contiguous, row-major, 64-byte aligned array. Copies are cheap and share their storage until one of
/// them is written to (copy on write), so a Tensor behaves like a value. Reading one object from several threads is
/// safe; writing one needs the caller's care, as with any value.
class Tensor {
 public:
  /// No tensor at all: empty() is true. Different from a tensor of zero elements.
  Tensor() = default;
  /// Uninitialised values.
  explicit Tensor(const Shape& shape);
  /// Copies `values`, whose count must be the shape's. Throws ShapeError.
  Tensor(const Shape& shape, std::span<const Scalar> values);
  Tensor(const Shape& shape, std::initializer_list<Scalar> values);

  [[nodiscard]] static Tensor zeros(const Shape& shape);
  [[nodiscard]] static Tensor full(const Shape& shape, Scalar value);
  [[nodiscard]] static Tensor scalar(Scalar value) { return full({}, value); }

  [[nodiscard]] bool empty() const noexcept { return storage_.data() == nullptr; }
  [[nodiscard]] const Shape& shape() const noexcept { return shape_; }
  [[nodiscard]] int rank() const noexcept { return shape_.rank(); }
  [[nodiscard]] std::int64_t dim(int axis) const { return shape_.dim(axis); }
  [[nodiscard]] std::int64_t numel() const noexcept { return empty() ? 0 : shape_.numel(); }

  [[nodiscard]] const Scalar* data() const noexcept { return static_cast<const Scalar*>(storage_.data()); }
  /// Pointer to write through; copies the values first if another handle shares them.
  [[nodiscard]] Scalar* mutable_data();
  [[nodiscard]] std::span<const Scalar> values() const noexcept { return {data(), static_cast<std::size_t>(numel())}; }
  [[nodiscard]] std::span<Scalar> mutable_values() { return {mutable_data(), static_cast<std::size_t>(numel())}; }
  /// The only value of a tensor of one element. Throws ShapeError otherwise.
  [[nodiscard]] Scalar item() const;

  /// The same values under another shape of the same element count; shares storage. Throws ShapeError.
  [[nodiscard]] Tensor reshaped(const Shape& shape) const;
  [[nodiscard]] bool shares_storage(const Tensor& other) const noexcept {
    return !empty() && storage_.same_block(other.storage_);
  }

 private:
  Shape shape_;
  Storage storage_;
};

}  // namespace tempera::core
