#include "tempera/core/ops/window_offsets.hpp"

#include <algorithm>

#include "tempera/core/integers.hpp"

namespace tempera::core {

WindowOffsets::WindowOffsets(const Windows& windows)
    : w_(windows),
      copied_height_(windows.height + 2 * windows.padding_h),
      step_(windows.out_width > 1 ? windows.stride_w : 1),
      sorted_(ceil_div(windows.width + 2 * windows.padding_w, step_)) {
  rows_.reserve(static_cast<std::size_t>(w_.rows()));
  for (std::int64_t c = 0; c < w_.channels; ++c) {
    for (std::int64_t y = 0; y < w_.kernel_h; ++y) {
      const std::int64_t row = (c * copied_height_ + y * w_.dilation_h) * line();
      for (std::int64_t x = 0; x < w_.kernel_w; ++x) rows_.push_back(row + place(x * w_.dilation_w));
    }
  }
  columns_.reserve(static_cast<std::size_t>(w_.columns()));
  for (std::int64_t y = 0; y < w_.out_height; ++y) {
    for (std::int64_t x = 0; x < w_.out_width; ++x) columns_.push_back(y * w_.stride_h * line() + x);
  }
}

void WindowOffsets::copy(const Scalar* image, Scalar* to) const noexcept {
  const std::int64_t above = w_.padding_h * line();
  for (std::int64_t c = 0; c < w_.channels; ++c) {
    to = std::fill_n(to, above, Scalar{0});
    for (std::int64_t y = 0; y < w_.height; ++y, image += w_.width, to += line()) {
      if (step_ == 1) {
        std::fill_n(to, w_.padding_w, Scalar{0});
        std::fill_n(std::copy_n(image, w_.width, to + w_.padding_w), w_.padding_w, Scalar{0});
        continue;
      }
      std::fill_n(to, line(), Scalar{0});
      for (std::int64_t first = 0; first < std::min(step_, w_.width); ++first) {
        Scalar* next = to + place(first + w_.padding_w);
        for (std::int64_t x = first; x < w_.width; x += step_) *next++ = image[x];
      }
    }
    to = std::fill_n(to, above, Scalar{0});
  }
}

CachedVector<WindowRun> WindowOffsets::runs(std::int64_t begin, std::int64_t end) const {
  CachedVector<WindowRun> all;
  all.reserve(static_cast<std::size_t>(end - begin));
  for (std::int64_t j = begin; j < end; ++j) {
    const std::int64_t at = columns_[static_cast<std::size_t>(j)];
    if (!all.empty() && all.back().from + all.back().count == at) {
      ++all.back().count;
    } else {
      all.push_back({.to = j - begin, .from = at, .count = 1});
    }
  }
  return all;
}

}  // namespace tempera::core
