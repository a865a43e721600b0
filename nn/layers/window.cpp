#include "tempera/nn/layers/window.hpp"

#include <fmt/format.h>

namespace tempera::nn {
namespace {

// Far beyond any image, and small enough that no product below leaves 64 bits.
constexpr std::int64_t kLargest = 1 << 20;

void check_range(const LayerBuilder& b, std::string_view name, std::int64_t value, std::int64_t least) {
  if (value >= least && value <= kLargest) return;
  b.fail(fmt::format("\"{}\" must be between {} and {}, received {}", name, least, kLargest, value));
}

}  // namespace

core::Shape windowed(const LayerBuilder& b, const Window& window) {
  b.expect_rank(3, "[channels, height, width]");
  check_range(b, "kernel", window.kernel, 1);
  check_range(b, "stride", window.stride, 1);
  check_range(b, "padding", window.padding, 0);
  check_range(b, "dilation", window.dilation, 1);
  const std::int64_t reach = window.dilation * (window.kernel - 1) + 1;
  const auto positions = [&](std::int64_t extent) {
    const std::int64_t room = extent + 2 * window.padding - reach;
    if (room < 0) {
      b.fail(fmt::format("the window covers {0}x{0} pixels, the image has {1}x{2}{3}", reach, b.input()[1],
                         b.input()[2],
                         window.padding == 0 ? "" : fmt::format(" and {} of padding on each side", window.padding)));
    }
    return room / window.stride + 1;
  };
  return {b.input()[0], positions(b.input()[1]), positions(b.input()[2])};
}

}  // namespace tempera::nn
