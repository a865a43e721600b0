#include "tempera/apps/experiment/npy_file.hpp"

#include <fmt/format.h>

#include <span>
#include <string>

#include "tempera/core/atomic_file.hpp"

namespace tempera::cli {

void write_npy(const std::filesystem::path& file, const core::Tensor& tensor) {
  std::string shape;
  for (const std::int64_t extent : tensor.shape().extents()) shape += std::to_string(extent) + ", ";
  std::string header =
      fmt::format("{{'descr': '<f{}', 'fortran_order': False, 'shape': ({}), }}", sizeof(Scalar), shape);
  constexpr std::size_t kPreamble = 10;  // magic, version, header length; the data begin at a multiple of 64
  constexpr std::size_t kAlignment = 64;
  header.append(kAlignment - (kPreamble + header.size() + 1) % kAlignment, ' ');
  header += '\n';
  core::AtomicFile out(file);
  const auto low = static_cast<char>(header.size() & 0xFFU);
  const auto high = static_cast<char>(header.size() >> 8U);
  out.write(std::string("\x93NUMPY\x01\x00", 8) + low + high + header);
  out.write(std::as_bytes(tensor.values()));
  out.commit();
}

}  // namespace tempera::cli
