#include "tempera/core/shape.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "tempera/core/errors.hpp"

namespace tempera::core {

Shape::Shape(std::initializer_list<std::int64_t> extents)
    : Shape(std::span<const std::int64_t>(extents.begin(), extents.size())) {}

Shape::Shape(std::span<const std::int64_t> extents) {
  if (extents.size() > kMaxRank) {
    throw ShapeError(fmt::format("shape [{}]: at most {} axes are supported", fmt::join(extents, ", "), kMaxRank));
  }
  std::int64_t count = 1;
  for (std::int64_t extent : extents) {
    if (extent < 0) throw ShapeError(fmt::format("shape [{}]: extents cannot be negative", fmt::join(extents, ", ")));
    if (__builtin_mul_overflow(count, std::max<std::int64_t>(extent, 1), &count)) {
      throw ShapeError(fmt::format("shape [{}]: more elements than 64 bits can count", fmt::join(extents, ", ")));
    }
    extents_[static_cast<std::size_t>(rank_++)] = extent;
  }
}

std::int64_t Shape::numel() const noexcept {
  std::int64_t count = 1;
  for (int i = 0; i < rank_; ++i) count *= (*this)[i];
  return count;
}

std::int64_t Shape::dim(int axis) const {
  const int positive = axis < 0 ? axis + rank_ : axis;
  if (positive < 0 || positive >= rank_) throw ShapeError(fmt::format("axis {} is outside of shape {}", axis, text()));
  return (*this)[positive];
}

Shape Shape::with_batch(std::int64_t n) const {
  std::array<std::int64_t, kMaxRank + 1> extents{n};
  std::copy_n(extents_.begin(), rank_, extents.begin() + 1);
  return Shape(std::span<const std::int64_t>(extents.data(), static_cast<std::size_t>(rank_) + 1));
}

Shape Shape::without_batch() const {
  if (rank_ == 0) throw ShapeError("a scalar has no batch axis to remove");
  return Shape(extents().subspan(1));
}

std::string Shape::text() const { return fmt::format("[{}]", fmt::join(extents(), ", ")); }

bool operator==(const Shape& a, const Shape& b) noexcept { return std::ranges::equal(a.extents(), b.extents()); }

Shape broadcast(const Shape& a, const Shape& b) {
  std::array<std::int64_t, Shape::kMaxRank> extents{};
  const int rank = std::max(a.rank(), b.rank());
  for (int i = 1; i <= rank; ++i) {
    const std::int64_t x = i <= a.rank() ? a[a.rank() - i] : 1;
    const std::int64_t y = i <= b.rank() ? b[b.rank() - i] : 1;
    if (x != y && x != 1 && y != 1) {
      throw ShapeError(fmt::format("shapes {} and {} cannot be broadcast together: {} against {} on axis -{}", a.text(),
                                   b.text(), x, y, i));
    }
    extents[static_cast<std::size_t>(rank - i)] = x == 1 ? y : x;
  }
  return Shape(std::span<const std::int64_t>(extents.data(), static_cast<std::size_t>(rank)));
}

}  // namespace tempera::core
