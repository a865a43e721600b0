// NumPy's .npy format, versions 1.0 to 3.0 (NumPy Enhancement Proposal 1 and numpy.lib.format), as far as data sets need
// it: little-endian, row-major arrays of uint8, int32, int64, float32 or float64.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tempera/datasets/bytes.hpp"
#include "tempera/datasets/pixels.hpp"

namespace tempera::data {

enum class NpyType { kUint8, kInt32, kInt64, kFloat32, kFloat64 };

struct NpyArray {
  NpyType type = NpyType::kUint8;
  std::vector<std::int64_t> extents;
  Bytes elements;           ///< row-major, little-endian
  std::int64_t header = 0;  ///< offset of the elements in the file

  [[nodiscard]] std::int64_t count() const noexcept;       ///< elements
  [[nodiscard]] std::int64_t item_bytes() const noexcept;  ///< bytes per element
};

/// Reads a whole file. Throws DataError for anything that is not such an array: magic, version, a header that is not the
/// dictionary NumPy writes, another type or byte order, Fortran order, more or fewer bytes than the shape needs.
[[nodiscard]] NpyArray parse_npy(const Bytes& bytes, const std::string& file);

/// Images from [n, features], [n, height, width] or [n, channels, height, width]; features become one row. uint8 stays
/// bytes, all else becomes float32. Throws DataError for another rank, an extent of 0, or a value that is not finite.
[[nodiscard]] Pixels npy_images(const NpyArray& array, const std::string& file);

/// Labels from [n] or [n, 1] of an integer type, each in [0, classes). Throws DataError.
[[nodiscard]] std::vector<std::int32_t> npy_labels(const NpyArray& array, std::int64_t classes,
                                                   const std::string& file);

}  // namespace tempera::data
