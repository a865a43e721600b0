// Convolution and pooling on images larger than a vector. Oracles: nested loops in double, and that a bilinear
// function's gradients are its adjoints: <y, dy> = <x, dx> = <w, dw>.
#include "tempera/core/ops/conv2d.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "support/worse.hpp"
#include "tempera/core/ops/layout.hpp"
#include "tempera/core/ops/matmul.hpp"
#include "tempera/core/ops/pool2d.hpp"
#include "tempera/core/ops/softmax.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/random.hpp"
#include "tempera/core/storage.hpp"

namespace tempera::core {
namespace {

Variable leaf(const Shape& shape, std::uint64_t seed) {
  Tensor x(shape);
  Random(seed, "operand").fill_normal(x.mutable_values(), 0, 1);
  return Variable(x, true);
}

struct Case {
  Shape x, w;
  Conv2dOptions options;
};

// Awkward on purpose: odd extents, runs of 7, 8, 9, 17 pixels, strides that leave pixels over, kernels in the padding.
std::vector<Case> cases() {
  return {{{2, 3, 9, 11}, {5, 3, 3, 3}, {}},
          {{3, 2, 12, 12}, {4, 2, 5, 5}, {}},
          {{2, 4, 17, 19}, {6, 4, 3, 3}, {.padding = {1, 1}}},
          {{1, 2, 24, 33}, {3, 2, 5, 3}, {.stride = {2, 1}, .padding = {4, 2}}},
          {{2, 6, 15, 22}, {4, 3, 3, 3}, {.stride = {2, 3}, .padding = {1, 2}, .dilation = {2, 3}, .groups = 2}},
          {{2, 5, 21, 20}, {5, 1, 3, 3}, {.padding = {1, 1}, .groups = 5}},
          {{2, 3, 20, 18}, {6, 1, 3, 5}, {.stride = {2, 2}, .padding = {1, 2}, .groups = 3}},
          {{3, 7, 13, 11}, {9, 7, 1, 1}, {}},
          {{3, 7, 13, 11}, {9, 7, 1, 1}, {.stride = {2, 2}}},
          {{2, 1, 3, 2}, {2, 1, 5, 5}, {.padding = {2, 3}}}};
}

double at(const Tensor& x, std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w) {
  if (h < 0 || h >= x.dim(2) || w < 0 || w >= x.dim(3)) return 0;
  return static_cast<double>(x.data()[((n * x.dim(1) + c) * x.dim(2) + h) * x.dim(3) + w]);
}

struct Position {
  std::int64_t n, channel, y, x;
};

Position position(const Shape& s, std::int64_t i) {
  return {i / (s[1] * s[2] * s[3]), i / (s[2] * s[3]) % s[1], i / s[3] % s[2], i % s[3]};
}

double window_sum(const Case& c, const Tensor& x, const Tensor& w, const Position& p) {
  const Conv2dOptions& o = c.options;
  const std::int64_t first = p.channel / (w.dim(0) / o.groups) * w.dim(1);
  double sum = 0;
  for (std::int64_t i = 0; i < w.dim(1); ++i) {
    for (std::int64_t ky = 0; ky < w.dim(2); ++ky) {
      for (std::int64_t kx = 0; kx < w.dim(3); ++kx) {
        sum +=
            at(w, p.channel, i, ky, kx) * at(x, p.n, first + i, p.y * o.stride[0] - o.padding[0] + ky * o.dilation[0],
                                             p.x * o.stride[1] - o.padding[1] + kx * o.dilation[1]);
      }
    }
  }
  return sum;
}

double dot(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  double sum = 0;
  for (std::int64_t i = 0; i < a.numel(); ++i)
    sum += static_cast<double>(a.data()[i]) * static_cast<double>(b.data()[i]);
  return sum;
}

TEST_CASE("conv2d equals seven nested loops, and its gradients are its adjoints") {
  for (const Case& c : cases()) {
    const std::string what = c.x.text() + " with " + c.w.text();
    CAPTURE(what);
    const Variable x = leaf(c.x, 1), w = leaf(c.w, 2);
    const Variable y = conv2d(x, w, {}, c.options);
    double worst = 0;
    for (std::int64_t i = 0; i < y.value().numel(); ++i) {
      const double expected = window_sum(c, x.value(), w.value(), position(y.shape(), i));
      worst = test::worse(worst, std::abs(expected - static_cast<double>(y.value().data()[i])));
    }
    CHECK(worst < 2e-5);  // up to 63 products of size 1 to 10
    const Tensor dy = leaf(y.shape(), 3).value();
    const double energy = dot(y.value(), dy), scale = std::sqrt(dot(y.value(), y.value()) * dot(dy, dy));
    backward(y, dy);
    CHECK(std::abs(dot(x.value(), x.grad()) - energy) < 1e-5 * scale);
    CHECK(std::abs(dot(w.value(), w.grad()) - energy) < 1e-5 * scale);
  }
}

TEST_CASE("max_pool2d takes the largest pixel of each window on images wider than a vector") {
  for (const std::int64_t width : {16, 17, 31, 40}) {
    const Variable x = leaf({2, 3, 9, width}, 4);
    const Variable y = max_pool2d(x);
    REQUIRE(y.shape() == Shape{2, 3, 4, width / 2});
    backward(y, Tensor::full(y.shape(), 1));
    double taken = 0;
    for (std::int64_t i = 0; i < y.value().numel(); ++i) {
      const std::int64_t plane = i / (4 * (width / 2)), h = i / (width / 2) % 4, v = i % (width / 2);
      const std::int64_t corner = (plane * 9 + 2 * h) * width + 2 * v;
      const Scalar* p = x.value().data() + corner;
      CHECK(y.value().data()[i] == std::max({p[0], p[1], p[width], p[width + 1]}));
      for (const std::int64_t offset : {std::int64_t{0}, std::int64_t{1}, width, width + 1}) {
        const Scalar expected = p[offset] == y.value().data()[i] ? Scalar{1} : Scalar{0};
        CHECK(x.grad().data()[corner + offset] == expected);
      }
    }
    for (const Scalar g : x.grad().values()) taken += static_cast<double>(g);
    CHECK(taken == static_cast<double>(y.value().numel()));
  }
}

TEST_CASE("of equal pixels the first, row by row, receives the gradient of a maximum") {
  const Variable x(Tensor::full({1, 1, 4, 4}, Scalar{2}), true);
  backward(max_pool2d(x), Tensor({1, 1, 2, 2}, {1, 2, 3, 4}));
  const std::vector<Scalar> expected{1, 0, 2, 0, 0, 0, 0, 0, 3, 0, 4, 0, 0, 0, 0, 0};
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(x.grad().data()[i] == expected[i]);
}

TEST_CASE("a training step of a small convolutional network asks the system for no memory after the first") {
  const Variable x = leaf({8, 1, 28, 28}, 5).detach(), k1 = leaf({6, 1, 5, 5}, 6), b1 = leaf({6}, 7);
  const Variable k2 = leaf({8, 6, 5, 5}, 8), w = leaf({10, 128}, 9);
  const std::vector<std::int32_t> labels{0, 1, 2, 3, 4, 5, 6, 7};
  const auto step = [&] {
    const Variable a = max_pool2d(conv2d(x, k1, b1, {.relu = true}));
    const Variable b = max_pool2d(conv2d(a, k2));
    backward(cross_entropy(linear(reshape(b, {8, 128}), w), labels));
    for (const Variable& p : {k1, b1, k2, w}) p.zero_grad();
  };
  const int threads = thread_count();
  set_thread_count(1);  // how many buffers threads hold at once depends on their timing
  step();
  const auto before = allocator_stats().system_allocations;
  for (int i = 0; i < 5; ++i) step();
  CHECK(allocator_stats().system_allocations == before);
  set_thread_count(threads);
}

}  // namespace
}  // namespace tempera::core
