// The images of a set as they lie in memory: bytes (what IDX files hold) or floats (npy sets of the user's own).
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "tempera/core/shape.hpp"
#include "tempera/datasets/bytes.hpp"

namespace tempera::data {

/// n images [channels, height, width], contiguous, of bytes 0 … 255 or of float32. Immutable; copies share.
class Pixels {
 public:
  Pixels() = default;
  /// `sample` is [channels, height, width]; bytes are [n, sample…]. Throws ShapeError unless they are whole images.
  Pixels(const core::Shape& sample, Bytes bytes);
  Pixels(const core::Shape& sample, std::shared_ptr<const float[]> floats, std::int64_t count);

  [[nodiscard]] const core::Shape& sample() const noexcept { return sample_; }
  [[nodiscard]] std::int64_t count() const noexcept { return count_; }
  [[nodiscard]] std::int64_t sample_size() const noexcept { return sample_size_; }  ///< numbers per image
  [[nodiscard]] bool is_bytes() const noexcept { return floats_ == nullptr; }

  /// The i-th image; only the one that is_bytes() says exists.
  [[nodiscard]] std::span<const std::uint8_t> bytes(std::int64_t i) const noexcept {
    return {bytes_.data() + i * sample_size_, static_cast<std::size_t>(sample_size_)};
  }
  [[nodiscard]] std::span<const float> floats(std::int64_t i) const noexcept {
    return {floats_.get() + i * sample_size_, static_cast<std::size_t>(sample_size_)};
  }
  /// What one stored unit counts for in units of full scale: 1/255 for bytes, 1 for floats.
  [[nodiscard]] double unit() const noexcept { return is_bytes() ? 1.0 / 255.0 : 1.0; }
  /// The memory of all images, for hashing.
  [[nodiscard]] std::span<const std::uint8_t> memory() const noexcept;

 private:
  core::Shape sample_;
  std::int64_t sample_size_ = 0;
  std::int64_t count_ = 0;
  Bytes bytes_;
  std::shared_ptr<const float[]> floats_;
};

}  // namespace tempera::data
