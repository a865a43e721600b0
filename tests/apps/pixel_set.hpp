// Sets of images of one value, but for one pixel: what ranges are hard to choose from. Read with data.name "npy".
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "smoke.hpp"

namespace program {

template <class T>
[[nodiscard]] std::string npy(const char* type, const std::string& shape, const std::vector<T>& values) {
  std::string header = "{'descr': '" + std::string(type) + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  header.resize(117, ' ');
  header += '\n';
  std::string bytes = std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header;
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  return bytes;
}

/// Images of 4×4 pixels `rest`, but one of the first image, which is `first`; of two classes in turn.
inline void write_part(const std::filesystem::path& folder, const std::string& part, int count, float first,
                       float rest) {
  std::vector<float> pixels(static_cast<std::size_t>(count) * 16, rest);
  pixels[5] = first;
  std::vector<std::int32_t> labels;
  for (int i = 0; i < count; ++i) labels.push_back(i % 2);
  const std::string n = std::to_string(count);
  write(folder / (part + "_images.npy"), npy("<f4", n + ", 4, 4", pixels));
  write(folder / (part + "_labels.npy"), npy("<i4", n + ",", labels));
}

inline void write_set(const std::filesystem::path& folder, int train, float first, float rest) {
  write_part(folder, "train", train, first, rest);
  write_part(folder, "test", 3, first, rest);
}

}  // namespace program
