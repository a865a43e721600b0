// Feeds arbitrary bytes to the .npy reader: whatever they are, the answer is an array whose extents are its elements, or a
// DataError; and images and labels are made of it, or refused with a DataError.
#include "tempera/datasets/npy.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include "tempera/core/errors.hpp"

namespace {

constexpr std::int64_t kClasses = 10;

/// Whether fn refuses its input, which is one of the two right answers.
template <class Fn>
bool refuses(Fn fn) {
  try {
    fn();
    return false;
  } catch (const tempera::core::DataError& error) {
    if (std::string_view(error.what()).empty()) std::abort();
    return true;
  }
}

void read(const std::uint8_t* data, std::size_t size) {
  using namespace tempera::data;
  const auto copy = std::make_shared_for_overwrite<std::uint8_t[]>(size);
  std::copy(data, data + size, copy.get());
  NpyArray array;
  if (refuses([&] { array = parse_npy(Bytes(copy, size), "fuzz"); })) return;
  std::int64_t elements = 1;
  for (const std::int64_t extent : array.extents) elements *= extent;
  if (elements != array.count()) std::abort();
  Pixels pixels;
  if (!refuses([&] { pixels = npy_images(array, "fuzz"); }) && pixels.count() * pixels.sample_size() != elements) {
    std::abort();
  }
  std::vector<std::int32_t> labels;
  if (refuses([&] { labels = npy_labels(array, kClasses, "fuzz"); })) return;
  if (std::ranges::any_of(labels, [](std::int32_t label) { return label < 0 || label >= kClasses; })) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read(data, size);
  return 0;
}
