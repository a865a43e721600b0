// Direct convolutions and poolings of shapes that nobody chose, and of those where loops have their ends. Oracle: the
// sums of products that define a convolution, the maximum and the mean of a window, in plain loops.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "core/plain_pools.hpp"
#include "core/plain_sums.hpp"
#include "tempera/core/kernels/table.hpp"
#include "tempera/core/ops/pool2d.hpp"

#if __has_include(<rapidcheck.h>)
#include <rapidcheck.h>
#endif

namespace tempera::core {
namespace {

std::string wrong_in(plain::Conv c, bool with_bias, std::uint64_t seed) {
  c.options.algorithm = ConvAlgorithm::kDirect;
  return plain::first_wrong(c, plain::operands_of(c, with_bias, seed));
}

void check_direct(const plain::Conv& c) {
  const std::string what = c.x.text() + " with " + c.w.text();
  CAPTURE(what);
  CHECK(wrong_in(c, false, 1) == "");
  plain::Conv rectified = c;
  rectified.options.relu = true;
  CHECK(wrong_in(rectified, true, 5) == "");
}

TEST_CASE("a direct convolution without images, or whose images are padding alone, is its definition") {
  check_direct({{0, 3, 7, 9}, {4, 3, 3, 3}, {}});
  check_direct({{0, 3, 7, 9}, {3, 1, 3, 3}, {.groups = 3}});
  check_direct({{2, 1, 0, 5}, {3, 1, 1, 1}, {.padding = {1, 1}}});
  check_direct({{2, 2, 4, 0}, {2, 1, 3, 1}, {.padding = {1, 2}, .groups = 2}});
}

TEST_CASE("a direct convolution whose stride is beyond its image is its definition, and copies nothing of that size") {
  constexpr std::int64_t kFar = std::int64_t{1} << 40;
  check_direct({{1, 2, 5, 6}, {3, 2, 3, 3}, {.stride = {kFar, kFar}}});
  check_direct({{1, 2, 5, 6}, {2, 1, 3, 3}, {.stride = {1, kFar}, .padding = {1, 1}, .groups = 2}});
  check_direct({{2, 3, 4, 9}, {3, 1, 3, 5}, {.stride = {kFar, 2}, .groups = 3}});
}

TEST_CASE("a direct convolution of one of everything, and of primes, is its definition") {
  check_direct({{1, 1, 1, 1}, {1, 1, 1, 1}, {}});
  check_direct({{1, 1, 1, 1}, {1, 1, 1, 1}, {.padding = {1, 1}}});
  check_direct({{2, 1, 1, 37}, {1, 1, 1, 37}, {}});
  check_direct({{1, 7, 13, 11}, {17, 7, 5, 3}, {}});
  check_direct({{3, 5, 7, 31}, {13, 5, 2, 5}, {.padding = {1, 2}}});
  check_direct({{2, 11, 19, 5}, {23, 11, 1, 1}, {}});
  check_direct({{2, 13, 11, 17}, {13, 1, 3, 7}, {.padding = {2, 3}, .groups = 13}});
}

TEST_CASE("a depthwise convolution whose rows of outputs are a vector long, or one less or more, is its definition") {
  for (const std::int64_t width : {kernels().conv_lanes - 1, kernels().conv_lanes, kernels().conv_lanes + 1,
                                   2 * kernels().conv_lanes, 9 * kernels().conv_lanes}) {
    if (width == 0) continue;
    CAPTURE(width);
    check_direct({{2, 3, 5, width}, {3, 1, 3, 3}, {.padding = {1, 1}, .groups = 3}});
    check_direct({{2, 3, 9, width + 8}, {6, 1, 5, 5}, {.dilation = {1, 2}, .groups = 3}});  // two for each
    check_direct({{1, 2, 7, width}, {2, 1, 3, 3}, {.stride = {2, 1}, .padding = {1, 1}, .groups = 2}});
    check_direct({{1, 2, 4, width}, {2, 1, 2, 1}, {.padding = {3, 3}, .groups = 2}});  // wider than its kernel
    check_direct({{1, 2, 7, 2 * width + 1}, {2, 1, 3, 3}, {.stride = {1, 2}, .padding = {1, 1}, .groups = 2}});
    check_direct({{1, 2, 5, 3 * width + 2}, {4, 1, 2, 2}, {.stride = {2, 3}, .dilation = {1, 2}, .groups = 2}});
    check_direct({{1, 3, 5, 3 * width + 2}, {4, 3, 2, 3}, {.stride = {2, 3}, .padding = {1, 2}, .dilation = {2, 1}}});
  }
}

TEST_CASE("a direct convolution of a tile more or less one in every extent is its definition") {
  const std::int64_t rows = kernels().gemm_mr, columns = kernels().gemm_nr, lanes = kernels().conv_lanes;
  for (const std::int64_t more : {-1, 0, 1}) {
    CAPTURE(more);
    if (rows + more > 0) check_direct({{1, 2, 6, 9}, {rows + more, 2, 3, 3}, {}});  // rows of the forward product
    check_direct({{1, 3, 5, 7}, {columns + more, 3, 3, 3}, {}});                    // columns of the weight's gradient
    check_direct({{2, 2, 1, columns + more}, {3, 2, 1, 1}, {}});                    // of the product of pixels
    check_direct({{1, 2, 3, columns + more + 2}, {3, 2, 3, 3}, {}});                // of a strip of windows
    check_direct({{1, 2, 3, 2 * (columns + more) + 1}, {3, 2, 3, 3}, {.stride = {1, 2}}});    // that is copied
    if (lanes + more > 0) check_direct({{1, 2, 4, lanes + more + 1}, {5, 2, 3, 2}, {}});      // of a vector of windows
    if (rows + more > 0) check_direct({{2, rows + more, 4, 5}, {3, rows + more, 1, 2}, {}});  // rows of windows
    check_direct({{1, 3, 2, lanes + more + 3}, {3, 1, 2, 3}, {.groups = 3}});                 // of a line by channels
  }
}

TEST_CASE("a direct convolution of more products than a tile sums in one go is its definition") {
  const std::int64_t deep = kernels().gemm_depth / 9 + 1;
  REQUIRE(9 * deep > kernels().gemm_depth);
  check_direct({{1, deep, 3, 4}, {3, deep, 3, 3}, {}});                   // of one result
  check_direct({{1, deep, 4, 4}, {5, deep, 3, 3}, {.padding = {1, 1}}});  // with copied windows
  check_direct({{1, 2, 3, 4}, {kernels().gemm_depth + 5, 2, 2, 2}, {}});  // of a pixel's gradient
  check_direct({{2, 1, 37, 41}, {2, 1, 3, 3}, {.padding = {1, 1}}});      // of a weight's gradient
  check_direct({{1, 257, 5, 6}, {131, 257, 1, 1}, {}});                   // many channels
  check_direct({{19, 3, 4, 4}, {6, 1, 3, 3}, {.stride = {2, 2}, .padding = {1, 1}, .groups = 3}});  // many images
}

#if __has_include(<rapidcheck.h>)
std::int64_t any(std::int64_t least, std::int64_t most) { return *rc::gen::inRange(least, most + 1); }

std::array<std::int64_t, 2> any_pair(std::int64_t least, std::int64_t most) {
  return {any(least, most), any(least, most)};
}

// Of at least one window.
std::int64_t any_extent(const plain::Conv& c, std::size_t axis, std::int64_t more) {
  const std::int64_t reach = c.options.dilation[axis] * (c.w[static_cast<int>(axis) + 2] - 1) + 1;
  const std::int64_t least = std::max<std::int64_t>(0, reach - 2 * c.options.padding[axis]);
  return any(least, least + more);
}

plain::Conv any_conv(std::int64_t in, std::int64_t out, std::int64_t groups) {
  plain::Conv c;
  c.options = {.stride = any_pair(1, 3),
               .padding = any_pair(0, 3),
               .dilation = any_pair(1, 2),
               .groups = groups,
               .relu = any(0, 1) == 1};
  c.w = {groups * out, in, any(1, 4), any(1, 5)};
  c.x = {any(0, 3), groups * in, 0, 0};
  c.x = {c.x[0], c.x[1], any_extent(c, 0, 7), any_extent(c, 1, 40)};
  return c;
}

TEST_CASE("a direct convolution of any shape and its gradients are their definitions") {
  CHECK(rc::check([] {
    const plain::Conv c = any_conv(any(1, 6), any(1, 9), any(1, 2));
    RC_ASSERT(wrong_in(c, any(0, 1) == 1, static_cast<std::uint64_t>(any(0, 1000))) == "");
  }));
}

TEST_CASE("a depthwise convolution of any shape and its gradients are their definitions") {
  CHECK(rc::check([] {
    const plain::Conv c = any_conv(1, any(1, 3), any(2, 6));
    RC_ASSERT(wrong_in(c, any(0, 1) == 1, static_cast<std::uint64_t>(any(0, 1000))) == "");
  }));
}

TEST_CASE("poolings of any shape take the largest and the mean of each window, and give gradients back to them") {
  CHECK(rc::check([] {
    Pool2dOptions o{.size = any_pair(1, 4), .stride = any_pair(0, 3)};
    if (any(0, 1) == 1) o = {};  // by pairs, which has kernels of its own
    for (std::size_t axis = 0; axis < 2; ++axis)
      o.padding[axis] = o.stride == Pool2dOptions{}.stride ? 0 : any(0, o.size[axis] / 2);
    const Shape shape{any(0, 2), any(1, 3), any(o.size[0], 9), any(o.size[1], 40)};
    Tensor x = plain::normals(shape, static_cast<std::uint64_t>(any(0, 1000)));
    const Tensor dy = plain::normals(pool2d_shape(shape, o), 7);
    RC_ASSERT(plain::means_of_windows(x, o, any(0, 1) == 1, dy));
    for (Scalar& value : x.mutable_values()) {  // many are equal, and some are NaN
      value = value > 2 ? std::numeric_limits<Scalar>::quiet_NaN() : std::round(value);
    }
    RC_ASSERT(plain::largest_of_windows(x, o, dy));
  }));
}
#endif

}  // namespace
}  // namespace tempera::core
