// Feeds arbitrary bytes to the IDX reader, plain or gzipped: whatever they are, the answer is an array whose extents are
// its elements, or a DataError, and never more memory than the bytes can honestly stand for.
#include "tempera/datasets/idx.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "tempera/core/errors.hpp"
#include "tempera/datasets/gzip.hpp"

namespace {

void read(const std::uint8_t* data, std::size_t size) {
  using namespace tempera::data;
  // A copy of exactly that size, so that the address sanitizer sees a read beyond it.
  const auto copy = std::make_shared_for_overwrite<std::uint8_t[]>(size);
  std::copy(data, data + size, copy.get());
  const IdxArray array = read_idx(Bytes(copy, size), "fuzz");
  std::size_t elements = 1;
  for (const std::int64_t extent : array.extents) elements *= static_cast<std::size_t>(extent);
  if (array.extents.empty() || elements == 0 || elements != array.elements.size()) std::abort();
  if (array.content.size() > size * static_cast<std::size_t>(kMaxGzipExpansion)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    read(data, size);
  } catch (const tempera::core::DataError& error) {
    if (std::string_view(error.what()).empty()) std::abort();
  }
  return 0;
}
