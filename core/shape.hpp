// The extents of a tensor, row-major, rank 0 to 5, without heap storage.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace tempera::core {

/// Extents of a tensor. Rank 0 is a scalar and has one element. Extents are ≥ 0; their product fits int64.
class Shape {
 public:
  static constexpr int kMaxRank = 5;

  Shape() = default;
  /// Throws ShapeError for a negative extent, a rank above kMaxRank, or an element count beyond int64.
  Shape(std::initializer_list<std::int64_t> extents);
  explicit Shape(std::span<const std::int64_t> extents);

  [[nodiscard]] int rank() const noexcept { return rank_; }
  [[nodiscard]] std::int64_t numel() const noexcept;
  /// Extent of an axis; negative axes count from the end. Throws ShapeError when outside of the rank.
  [[nodiscard]] std::int64_t dim(int axis) const;
  [[nodiscard]] std::int64_t operator[](int axis) const noexcept { return extents_[static_cast<std::size_t>(axis)]; }
  [[nodiscard]] std::span<const std::int64_t> extents() const noexcept {
    return {extents_.data(), static_cast<std::size_t>(rank_)};
  }
  /// This shape with one more extent in front: [d…] → [n, d…].
  [[nodiscard]] Shape with_batch(std::int64_t n) const;
  /// This shape without its first extent: [n, d…] → [d…].
  [[nodiscard]] Shape without_batch() const;
  /// "[64, 784]".
  [[nodiscard]] std::string text() const;

  friend bool operator==(const Shape& a, const Shape& b) noexcept;

 private:
  std::array<std::int64_t, kMaxRank> extents_{};
  int rank_ = 0;
};

/// Shape of an elementwise result under NumPy's broadcasting rules. Throws ShapeError naming both shapes.
[[nodiscard]] Shape broadcast(const Shape& a, const Shape& b);

}  // namespace tempera::core
