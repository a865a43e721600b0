#include "tempera/core/ops/window_offsets.hpp"

#include <algorithm>

namespace tempera::core {

WindowOffsets::WindowOffsets(const Windows& windows)
    : w_(windows),
      padded_height_(windows.height + 2 * windows.padding_h),
      padded_width_(windows.width + 2 * windows.padding_w) {
  rows_.reserve(static_cast<std::size_t>(w_.rows()));
  for (std::int64_t c = 0; c < w_.channels; ++c) {
    for (std::int64_t y = 0; y < w_.kernel_h; ++y) {
      const std::int64_t line = (c * padded_height_ + y * w_.dilation_h) * padded_width_;
      for (std::int64_t x = 0; x < w_.kernel_w; ++x) rows_.push_back(line + x * w_.dilation_w);
    }
  }
  columns_.reserve(static_cast<std::size_t>(w_.columns()));
  for (std::int64_t y = 0; y < w_.out_height; ++y) {
    for (std::int64_t x = 0; x < w_.out_width; ++x) {
      columns_.push_back(y * w_.stride_h * padded_width_ + x * w_.stride_w);
    }
  }
}

void WindowOffsets::pad(const Scalar* image, Scalar* padded) const noexcept {
  std::fill(padded, padded + pixels(), Scalar{0});
  for (std::int64_t c = 0; c < w_.channels; ++c) {
    for (std::int64_t y = 0; y < w_.height; ++y, image += w_.width) {
      std::copy_n(image, w_.width, padded + (c * padded_height_ + y + w_.padding_h) * padded_width_ + w_.padding_w);
    }
  }
}

std::vector<WindowRun> WindowOffsets::runs(std::int64_t begin, std::int64_t end) const {
  std::vector<WindowRun> all;
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
