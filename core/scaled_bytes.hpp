// A matrix of whole numbers times a scale for each row, kept as bytes: a quarter of the memory, and of the time to write it and
// to read it again. Products expand it where they copy their operands anyway.
#pragma once

#include <cstdint>

#include "tempera/core/lazy_tensor.hpp"
#include "tempera/core/storage.hpp"

namespace tempera::core {

class ScaledBytes final : public DeferredTensor {
 public:
  /// Of [rows, columns], to be filled. Bytes behind the last are there to be read, as kernels do.
  ScaledBytes(std::int64_t rows, std::int64_t columns);

  [[nodiscard]] const Shape& shape() const noexcept override { return shape_; }
  /// q·scale, rounded as float multiplication does.
  [[nodiscard]] Tensor make() const override;

  [[nodiscard]] std::int8_t* bytes() const noexcept { return static_cast<std::int8_t*>(bytes_.data()); }
  [[nodiscard]] Scalar* scales() const noexcept { return static_cast<Scalar*>(scales_.data()); }

 private:
  Shape shape_;
  Storage bytes_, scales_;
};

}  // namespace tempera::core
