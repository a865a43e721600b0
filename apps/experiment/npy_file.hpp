// Writing NumPy's .npy format (version 1.0), for what is looked at in other tools.
#pragma once

#include <string>

#include "tempera/core/tensor.hpp"

namespace tempera::cli {

/// The bytes of a file of it: little-endian float32 (float64 in double precision), C order.
[[nodiscard]] std::string npy_bytes(const core::Tensor& tensor);

}  // namespace tempera::cli
