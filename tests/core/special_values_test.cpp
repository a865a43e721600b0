// NaN, infinities and denormal numbers on their way through direct convolutions and poolings, and back as gradients. Oracle:
// the sums that define them, in double: what they reach, and nothing else.
#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

#include "core/plain_pools.hpp"
#include "core/plain_sums.hpp"

namespace tempera::core {
namespace {

constexpr Scalar kHuge = std::numeric_limits<Scalar>::infinity(), kNone = std::numeric_limits<Scalar>::quiet_NaN();
constexpr Scalar kSmallest = std::numeric_limits<Scalar>::denorm_min();

// One for each way in which products are found: windows read in place and copied, pixels alone, by channels, several images
// at a step; without padding, and with.
std::vector<plain::Conv> ways(bool padded) {
  const std::int64_t p = padded ? 1 : 0;
  std::vector<plain::Conv> all{{{1, 3, 7, 37}, {5, 3, 3, 3}, {.padding = {p, p}}},
                               {{2, 3, 5, 6}, {17, 3, 3, 2}, {.padding = {p, p}}},
                               {{2, 4, 9, 13}, {6, 2, 3, 3}, {.stride = {2, 2}, .padding = {p, p}, .groups = 2}},
                               {{1, 2, 9, 21}, {3, 2, 3, 3}, {.padding = {p, p}, .dilation = {2, 2}}},
                               {{2, 3, 7, 19}, {3, 1, 3, 3}, {.padding = {p, p}, .groups = 3}},
                               {{1, 3, 9, 12}, {6, 1, 3, 3}, {.stride = {2, 2}, .padding = {p, p}, .groups = 3}}};
  if (!padded) all.push_back({{2, 7, 5, 7}, {9, 7, 1, 1}, {}});
  for (plain::Conv& c : all) c.options.algorithm = ConvAlgorithm::kDirect;
  return all;
}

void check_way(const plain::Conv& c, const plain::ConvOperands& in) {
  const std::string what = c.x.text() + " with " + c.w.text();
  CAPTURE(what);
  CHECK(std::string(plain::first_wrong(c, in)) == "");
}

// In the first, a middle and the last element, of which one at a time is NaN.
template <class Fn>
void for_special(const Tensor& x, const Fn& fn) {
  const std::int64_t places[] = {0, x.numel() / 2 + 1, x.numel() - 1};
  for (int turn = 0; turn < 3; ++turn) {
    Tensor special = x;
    const Scalar values[] = {kNone, kHuge, -kHuge};
    for (int i = 0; i < 3; ++i) special.mutable_data()[places[i]] = values[(i + turn) % 3];
    fn(special);
  }
}

TEST_CASE("NaN and infinite pixels reach the results and weights whose sums they are in, and no other") {
  for (const bool padded : {false, true}) {
    for (plain::Conv c : ways(padded)) {
      for (const bool relu : {false, true}) {
        c.options.relu = relu;
        plain::ConvOperands in = plain::operands_of(c, true, 1);
        for_special(in.x, [&](const Tensor& x) { check_way(c, {x, in.w, in.bias, in.dy}); });
      }
    }
  }
}

TEST_CASE("NaN and infinite weights and biases reach the results and pixels whose sums they are in, and no other") {
  for (const plain::Conv& c : ways(false)) {
    const plain::ConvOperands in = plain::operands_of(c, true, 2);
    for_special(in.w, [&](const Tensor& w) { check_way(c, {in.x, w, in.bias, in.dy}); });
    for_special(in.bias, [&](const Tensor& bias) { check_way(c, {in.x, in.w, bias, in.dy}); });
  }
}

TEST_CASE("NaN and infinite gradients of a convolution reach what their result came from, and nothing else") {
  for (plain::Conv c : ways(false)) {
    for (const bool relu : {false, true}) {
      c.options.relu = relu;
      const plain::ConvOperands in = plain::operands_of(c, true, 3);
      for_special(in.dy, [&](const Tensor& dy) { check_way(c, {in.x, in.w, in.bias, dy}); });
    }
  }
  for (const plain::Conv& c : ways(true)) {  // of a window that has no part in the padding
    const plain::ConvOperands in = plain::operands_of(c, true, 4);
    const Shape y = c.y();
    for (const Scalar value : {kNone, kHuge, -kHuge}) {
      Tensor dy = in.dy;
      dy.mutable_data()[(y[1] - 1) * y[2] * y[3] + y[2] / 2 * y[3] + y[3] / 2] = value;
      check_way(c, {in.x, in.w, in.bias, dy});
    }
  }
}

Tensor times(Scalar factor, const Shape& shape) {
  Tensor x(shape);
  for (std::int64_t i = 0; i < x.numel(); ++i) x.mutable_data()[i] = factor * static_cast<Scalar>(i % 5 + 1);
  return x;
}

TEST_CASE("denormal pixels, weights and gradients of a convolution are multiplied and added as they are") {
  for (const bool padded : {false, true}) {
    for (const plain::Conv& c : ways(padded)) {
      const Tensor x = times(1, c.x), w = times(1, c.w), dy = times(1, c.y());  // whose sums with denormals are exact
      check_way(c, {times(kSmallest, c.x), w, {}, dy});
      check_way(c, {x, times(kSmallest, c.w), {}, dy});
      check_way(c, {x, w, {}, times(kSmallest, c.y())});
    }
  }
}

// By pairs; overlapping, with a part in the padding; without.
const Pool2dOptions kPools[] = {{}, {.size = {3, 3}, .stride = {2, 2}, .padding = {1, 1}}, {.size = {3, 2}}};

TEST_CASE("NaN and infinite gradients of a pooling reach the pixels that they belong to, and no other") {
  for (const Pool2dOptions& o : kPools) {
    CAPTURE(o.size[0]);
    for (const std::int64_t width : {7, 8, 16, 17, 35}) {
      const Tensor x = plain::normals({2, 3, 7, width}, 5);
      for_special(plain::normals(pool2d_shape(x.shape(), o), 6), [&](const Tensor& dy) {
        CHECK(plain::largest_of_windows(x, o, dy));
        CHECK(plain::means_of_windows(x, o, true, dy));
        CHECK(plain::means_of_windows(x, o, false, dy));
      });
    }
  }
}

TEST_CASE(
    "NaN and infinite pixels reach the poolings of their windows, and gradients go to the first or the last NaN") {
  for (const Pool2dOptions& o : kPools) {
    CAPTURE(o.size[0]);
    const Shape shape{2, 3, 9, 35};
    const Tensor dy = plain::normals(pool2d_shape(shape, o), 7);
    for_special(plain::normals(shape, 8), [&](const Tensor& x) {
      CHECK(plain::largest_of_windows(x, o, dy));
      CHECK(plain::means_of_windows(x, o, false, dy));
    });
    for (const Scalar value : {kNone, kHuge, -kHuge})
      CHECK(plain::largest_of_windows(Tensor::full(shape, value), o, dy));
  }
}

TEST_CASE("denormal pixels and gradients of poolings are compared, added and divided as they are") {
  for (const Pool2dOptions& o : kPools) {
    CAPTURE(o.size[0]);
    const Shape shape{2, 2, 7, 35};
    const Tensor x = times(36 * kSmallest, shape), dy = times(36 * kSmallest, pool2d_shape(shape, o));  // exact shares
    CHECK(plain::largest_of_windows(x, o, dy));
    CHECK(plain::means_of_windows(x, o, true, dy));
    CHECK(plain::means_of_windows(x, o, false, dy));
  }
}

}  // namespace
}  // namespace tempera::core
