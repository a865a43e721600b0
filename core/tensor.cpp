#include "tempera/core/tensor.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tempera/core/errors.hpp"

namespace tempera::core {
namespace {

std::size_t bytes_of(const Shape& shape) {
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(shape.numel(), static_cast<std::int64_t>(sizeof(Scalar)), &bytes)) {
    throw ShapeError(fmt::format("tensor {}: more bytes than 64 bits can count", shape.text()));
  }
  return static_cast<std::size_t>(bytes);
}

}  // namespace

Tensor::Tensor(const Shape& shape) : shape_(shape), storage_(bytes_of(shape)) {}

Tensor::Tensor(const Shape& shape, std::span<const Scalar> values) : Tensor(shape) {
  if (static_cast<std::int64_t>(values.size()) != shape.numel()) {
    throw ShapeError(
        fmt::format("tensor {}: needs {} values, received {}", shape.text(), shape.numel(), values.size()));
  }
  std::ranges::copy(values, mutable_data());
}

Tensor::Tensor(const Shape& shape, std::initializer_list<Scalar> values)
    : Tensor(shape, std::span<const Scalar>(values.begin(), values.size())) {}

Tensor Tensor::zeros(const Shape& shape) { return full(shape, Scalar{0}); }

Tensor Tensor::full(const Shape& shape, Scalar value) {
  Tensor result(shape);
  std::ranges::fill(result.mutable_values(), value);
  return result;
}

Scalar* Tensor::mutable_data() {
  if (!empty() && !storage_.unique()) {
    Tensor copy(shape_);
    std::ranges::copy(values(), static_cast<Scalar*>(copy.storage_.data()));
    storage_ = std::move(copy.storage_);
  }
  return static_cast<Scalar*>(storage_.data());
}

Scalar Tensor::item() const {
  if (numel() != 1) throw ShapeError(fmt::format("item: needs a tensor of one element, received {}", shape_.text()));
  return *data();
}

Tensor Tensor::reshaped(const Shape& shape) const {
  if (shape.numel() != shape_.numel()) {
    throw ShapeError(fmt::format("reshape: {} has {} elements, {} has {}", shape_.text(), shape_.numel(), shape.text(),
                                 shape.numel()));
  }
  Tensor result = *this;
  result.shape_ = shape;
  return result;
}

}  // namespace tempera::core
