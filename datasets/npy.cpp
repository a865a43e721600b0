#include "tempera/datasets/npy.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "tempera/core/errors.hpp"
#include "tempera/datasets/dataset.hpp"

namespace tempera::data {
namespace {

static_assert(std::endian::native == std::endian::little, "elements of .npy files are copied as they are");

/// The i-th element as To, whatever its type.
template <class To>
To element(const NpyArray& array, std::int64_t i) noexcept {
  const auto load = [&]<class From>(From value) {
    std::memcpy(&value, array.elements.data() + i * static_cast<std::int64_t>(sizeof(From)), sizeof(From));
    return static_cast<To>(value);
  };
  switch (array.type) {
    case NpyType::kUint8:
      return load(std::uint8_t{});
    case NpyType::kInt32:
      return load(std::int32_t{});
    case NpyType::kInt64:
      return load(std::int64_t{});
    case NpyType::kFloat32:
      return load(float{});
    case NpyType::kFloat64:
      return load(double{});
  }
  return To{};
}

core::Shape sample_shape(const NpyArray& array, const std::string& file) {
  const auto& e = array.extents;
  if (e.size() < 2 || e.size() > 4 || std::ranges::find(e, 0) != e.end()) {
    throw core::DataError(file, fmt::format("images must be [n, features], [n, height, width] or [n, channels, height, "
                                            "width] with extents of at least 1, received [{}]",
                                            fmt::join(e, ", ")));
  }
  if (e.size() == 2) return {1, 1, e[1]};
  if (e.size() == 3) return {1, e[1], e[2]};
  return {e[1], e[2], e[3]};
}

}  // namespace

std::int64_t NpyArray::count() const noexcept { return static_cast<std::int64_t>(elements.size()) / item_bytes(); }

std::int64_t NpyArray::item_bytes() const noexcept {
  constexpr std::int64_t kBytes[] = {1, 4, 8, 4, 8};
  return kBytes[static_cast<std::size_t>(type)];
}

Pixels npy_images(const NpyArray& array, const std::string& file) {
  const core::Shape sample = sample_shape(array, file);
  if (array.type == NpyType::kUint8) return {sample, array.elements};
  const std::int64_t count = array.count();
  const auto floats = std::make_shared_for_overwrite<float[]>(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    const auto value = element<double>(array, i);
    if (!std::isfinite(value) || std::abs(value) > static_cast<double>(std::numeric_limits<float>::max())) {
      throw core::DataError(file, array.header + i * array.item_bytes(),
                            fmt::format("pixels must be finite in float32, element {} is {}", i, value));
    }
    floats[static_cast<std::size_t>(i)] = static_cast<float>(value);
  }
  return {sample, floats, array.extents[0]};
}

std::vector<std::int32_t> npy_labels(const NpyArray& array, std::int64_t classes, const std::string& file) {
  const auto& e = array.extents;
  if (e.empty() || e.size() > 2 || (e.size() == 2 && e[1] != 1) || e[0] == 0) {
    throw core::DataError(
        file, fmt::format("labels must be [n] or [n, 1] with n at least 1, received [{}]", fmt::join(e, ", ")));
  }
  if (array.type == NpyType::kFloat32 || array.type == NpyType::kFloat64) {
    throw core::DataError(file, "labels must be of an integer type, received floats");
  }
  std::vector<std::int32_t> labels(static_cast<std::size_t>(array.count()));
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto value = element<std::int64_t>(array, static_cast<std::int64_t>(i));
    // Clamped so that what does not fit 32 bits is reported as out of range, not taken modulo 2^32.
    labels[i] =
        static_cast<std::int32_t>(std::clamp<std::int64_t>(value, -1, std::numeric_limits<std::int32_t>::max()));
  }
  check_labels(labels, classes, file, array.header, array.item_bytes());
  return labels;
}

}  // namespace tempera::data
