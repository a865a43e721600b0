// Oracle: the definitions in the kernel table, in plain loops in double precision; guard pages watch what is touched.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "kernels/support.hpp"
#include "tempera/core/kernels/table.hpp"

namespace tempera::test {
namespace {

using core::ChannelBlock;
using core::kernels;

// Blocks of images, some of whose channels stay outside, and of features.
std::vector<ChannelBlock> blocks() {
  std::vector<ChannelBlock> all{{.samples = 0, .channels = 3, .cells = 4, .row = 12},
                                {.samples = 0, .channels = 3, .cells = 1, .row = 3},
                                {.samples = 2, .channels = 0, .cells = 5, .row = 15},
                                {.samples = 2, .channels = 3, .cells = 0, .row = 0},
                                {.samples = 3, .channels = 2, .cells = 1009, .row = 3 * 1009}};
  for (const std::int64_t size : {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 129}) {
    if (size != 1) all.push_back({.samples = 3, .channels = 2, .cells = size, .row = 2 * size});
    all.push_back({.samples = 5, .channels = size, .cells = 1, .row = size + 2});
  }
  return all;
}

std::int64_t extent(const ChannelBlock& b) {
  return b.samples == 0 ? 0 : (b.samples - 1) * b.row + b.channels * b.cells;
}

struct Inputs {
  std::vector<float> x, dy, mean, factor, slope, offset;
};

Inputs inputs_of(const ChannelBlock& b) {
  return {.x = uniform(extent(b), -1, 3, 1),
          .dy = uniform(extent(b), -1, 1, 2),
          .mean = uniform(b.channels, 0, 2, 3),
          .factor = uniform(b.channels, -2, 2, 4),
          .slope = uniform(b.channels, -1, 1, 5),
          .offset = uniform(b.channels, -1, 1, 6)};
}

double at(const std::vector<float>& values, std::int64_t i) {
  return static_cast<double>(values[static_cast<std::size_t>(i)]);
}

// Calls fn(channel, position) for every value of the block.
template <class Fn>
void for_each(const ChannelBlock& b, Fn fn) {
  for (std::int64_t n = 0; n < b.samples; ++n) {
    for (std::int64_t i = 0; i < b.channels * b.cells; ++i) fn(i / b.cells, n * b.row + i);
  }
}

// Σ term(channel, position) by channel, beside what `sums` holds.
template <class Term>
void check_sums(const ChannelBlock& b, Guarded<float>& sums, Term term) {
  std::vector<double> expected(static_cast<std::size_t>(b.channels)), magnitude(expected);
  for_each(b, [&](std::int64_t c, std::int64_t i) {
    expected[static_cast<std::size_t>(c)] += term(c, i);
    magnitude[static_cast<std::size_t>(c)] += std::abs(term(c, i));
  });
  const double rounding = kUlp * static_cast<double>(b.samples * b.cells + 2);
  for (std::size_t c = 0; c < expected.size(); ++c) {
    REQUIRE(std::abs(static_cast<double>(sums.data()[c]) - expected[c]) <= rounding * magnitude[c]);
  }
}

// f(channel, position) at every position of the block; elsewhere what was there.
template <class Fn>
void check_map(const ChannelBlock& b, const std::vector<float>& before, Guarded<float>& y, Fn f) {
  std::vector<float> expected(before);
  for_each(
      b, [&](std::int64_t c, std::int64_t i) { expected[static_cast<std::size_t>(i)] = static_cast<float>(f(c, i)); });
  CHECK(first_far(y.values(), expected, 8 * kUlp, 16 * kUlp) == -1);
}

}  // namespace

TEST_CASE("sums by channel are those of its values, their squares about the mean and their products with a gradient") {
  for (const ChannelBlock& b : blocks()) {
    CAPTURE(b.channels);
    CAPTURE(b.cells);
    const Inputs in = inputs_of(b);
    Guarded<float> x(in.x), dy(in.dy), mean(in.mean), sums(in.mean.size()), products(in.mean.size());
    kernels().channel_sum(b, x.data(), sums.data());
    check_sums(b, sums, [&](std::int64_t, std::int64_t i) { return at(in.x, i); });
    kernels().channel_squares(b, x.data(), mean.data(), sums.data());
    check_sums(b, sums, [&](std::int64_t c, std::int64_t i) {
      const double rest = at(in.x, i) - at(in.mean, c);
      return rest * rest;
    });
    kernels().channel_products(b, dy.data(), x.data(), mean.data(), sums.data(), products.data());
    check_sums(b, sums, [&](std::int64_t, std::int64_t i) { return at(in.dy, i); });
    check_sums(b, products,
               [&](std::int64_t c, std::int64_t i) { return at(in.dy, i) * (at(in.x, i) - at(in.mean, c)); });
  }
}

// Values of one sign, so that roundings would add up: 2^21 of them in planes of 2^13. With planes summed apart a sum has some 2^8
// additions by plane and lane, 2^8 over planes and 2^5 at its end behind it, in one go it would have 2^16.
TEST_CASE("a sum by channel over a large batch of large images is as exact as planes summed apart are") {
  const ChannelBlock b{.samples = 256, .channels = 1, .cells = 8192, .row = 8192};
  const std::vector<float> values = uniform(extent(b), 100, 101, 7);
  double expected = 0;
  for (const float v : values) expected += static_cast<double>(v);
  Guarded<float> x(values), sum(std::size_t{1});
  kernels().channel_sum(b, x.data(), sum.data());
  CHECK(std::abs(static_cast<double>(sum.data()[0]) - expected) <= 128 * kUlp * expected);
}

TEST_CASE("scaling by channel and its gradient are their formulas, and leave what is between the samples alone") {
  for (const ChannelBlock& b : blocks()) {
    CAPTURE(b.channels);
    CAPTURE(b.cells);
    const Inputs in = inputs_of(b);
    const std::vector<float> before(in.x.size(), 7.0F);
    Guarded<float> x(in.x), dy(in.dy), mean(in.mean), factor(in.factor), slope(in.slope), offset(in.offset);
    Guarded<float> y(before), dx(before);
    kernels().channel_scale(b, x.data(), mean.data(), factor.data(), offset.data(), y.data());
    check_map(b, before, y, [&](std::int64_t c, std::int64_t i) {
      return (at(in.x, i) - at(in.mean, c)) * at(in.factor, c) + at(in.offset, c);
    });
    kernels().channel_scale_grad(b, dy.data(), x.data(), mean.data(), factor.data(), slope.data(), offset.data(),
                                 dx.data());
    check_map(b, before, dx, [&](std::int64_t c, std::int64_t i) {
      return at(in.factor, c) * (at(in.dy, i) - at(in.offset, c) - (at(in.x, i) - at(in.mean, c)) * at(in.slope, c));
    });
  }
}

TEST_CASE("a NaN and an infinity stay in their channel, and are not lost in it") {
  for (const std::int64_t cells : {1, 19, 70}) {
    const ChannelBlock b{.samples = 2, .channels = 21, .cells = cells, .row = 21 * cells};
    Inputs in = inputs_of(b);
    in.x[static_cast<std::size_t>(b.row + 3 * cells)] = kNan;
    in.x[static_cast<std::size_t>(b.row + 5 * cells + cells - 1)] = kInfinity;
    Guarded<float> x(in.x), dy(in.dy), mean(in.mean), values(in.mean.size()), sums(in.mean.size()),
        squares(in.mean.size()), products(in.mean.size());
    kernels().channel_sum(b, x.data(), values.data());
    kernels().channel_squares(b, x.data(), mean.data(), squares.data());
    kernels().channel_products(b, dy.data(), x.data(), mean.data(), sums.data(), products.data());
    for (std::size_t c = 0; c < in.mean.size(); ++c) {
      CHECK(std::isnan(values.data()[c]) == (c == 3));
      CHECK(std::isinf(values.data()[c]) == (c == 5));
      CHECK(std::isnan(squares.data()[c]) == (c == 3));
      CHECK(std::isinf(squares.data()[c]) == (c == 5));
      CHECK(std::isfinite(products.data()[c]) == (c != 3 && c != 5));
      CHECK(std::isfinite(sums.data()[c]));
    }
  }
}

}  // namespace tempera::test
