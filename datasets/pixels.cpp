#include "tempera/datasets/pixels.hpp"

#include <fmt/format.h>

#include <utility>

#include "tempera/core/errors.hpp"

namespace tempera::data {
namespace {

std::int64_t checked_sample_size(const core::Shape& sample) {
  if (sample.rank() != 3 || sample.numel() == 0) {
    throw core::ShapeError(
        fmt::format("images must be [channels, height, width] with extents of at least 1, received {}", sample.text()));
  }
  return sample.numel();
}

}  // namespace

Pixels::Pixels(const core::Shape& sample, Bytes bytes)
    : sample_(sample), sample_size_(checked_sample_size(sample)), bytes_(std::move(bytes)) {
  const auto size = static_cast<std::int64_t>(bytes_.size());
  count_ = size / sample_size_;
  if (count_ * sample_size_ != size) {
    throw core::ShapeError(fmt::format("{} bytes are not a whole number of images {}", size, sample.text()));
  }
}

Pixels::Pixels(const core::Shape& sample, std::shared_ptr<const float[]> floats, std::int64_t count)
    : sample_(sample), sample_size_(checked_sample_size(sample)), count_(count), floats_(std::move(floats)) {}

std::span<const std::uint8_t> Pixels::memory() const noexcept {
  if (is_bytes()) return bytes_.span();
  // Any object may be seen as bytes.
  return {reinterpret_cast<const std::uint8_t*>(floats_.get()),
          static_cast<std::size_t>(count_ * sample_size_) * sizeof(float)};
}

}  // namespace tempera::data
