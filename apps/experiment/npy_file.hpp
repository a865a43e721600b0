// Writing NumPy's .npy format (version 1.0), for what is looked at in other tools.
#pragma once

#include <filesystem>

#include "tempera/core/tensor.hpp"

namespace tempera::cli {

/// Little-endian float32 (float64 in double precision), C order. Atomic. Throws FileError.
void write_npy(const std::filesystem::path& file, const core::Tensor& tensor);

}  // namespace tempera::cli
