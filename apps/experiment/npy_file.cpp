#include "tempera/apps/experiment/npy_file.hpp"

#include <fmt/format.h>

#include <span>

namespace tempera::cli {

std::string npy_bytes(const core::Tensor& tensor) {
  std::string shape;
  for (const std::int64_t extent : tensor.shape().extents()) shape += std::to_string(extent) + ", ";
  std::string header =
      fmt::format("{{'descr': '<f{}', 'fortran_order': False, 'shape': ({}), }}", sizeof(Scalar), shape);
  constexpr std::size_t kPreamble = 10;  // magic, version, header length; the data begin at a multiple of 64
  constexpr std::size_t kAlignment = 64;
  header.append(kAlignment - (kPreamble + header.size() + 1) % kAlignment, ' ');
  header += '\n';
  const auto low = static_cast<char>(header.size() & 0xFFU);
  const auto high = static_cast<char>(header.size() >> 8U);
  std::string bytes = std::string("\x93NUMPY\x01\x00", 8) + low + high + header;
  const std::span<const std::byte> data = std::as_bytes(tensor.values());
  return bytes.append(reinterpret_cast<const char*>(data.data()), data.size());
}

}  // namespace tempera::cli
