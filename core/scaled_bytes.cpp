#include "tempera/core/scaled_bytes.hpp"

#include <algorithm>

#include "tempera/core/kernels/table.hpp"
#include "tempera/core/parallel.hpp"

namespace tempera::core {

ScaledBytes::ScaledBytes(std::int64_t rows, std::int64_t columns)
    : shape_({rows, columns}),
      bytes_(static_cast<std::size_t>(rows * columns + kReadBehindBytes)),
      scales_(static_cast<std::size_t>(rows) * sizeof(Scalar)) {}

Tensor ScaledBytes::make() const {
  constexpr std::int64_t kGrain = 32768;
  const std::int64_t columns = shape_[1];
  Tensor all(shape_);
  Scalar* to = all.mutable_data();
  parallel_for(shape_[0], std::max<std::int64_t>(1, kGrain / std::max<std::int64_t>(1, columns)),
               [&, to](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t row = begin; row < end; ++row) {
                   kernels().expand_bytes(columns, bytes() + row * columns, scales()[row], to + row * columns);
                 }
               });
  return all;
}

}  // namespace tempera::core
