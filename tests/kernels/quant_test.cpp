// Ranges and fake quantization at every level. Oracle: the definitions in kernels/table.hpp, one value at a time, with
// rounding by integers instead of the processor's. Results have to be equal in every bit; buffers end at pages without access.
#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "kernels/support.hpp"
#include "tempera/core/kernels/table.hpp"

namespace {

using namespace tempera::test;
using tempera::core::FakeQuantGrid;
using tempera::core::kernels;

constexpr float kDenormal = std::numeric_limits<float>::denorm_min();

// Symmetric, affine with zero points at both ends, of 2 to 16 bits; scales from the smallest normal to huge.
const std::vector<FakeQuantGrid> kGrids{{1, 0, -127, 127},
                                        {0.0078125F, 0, -128, 127},
                                        {0.1F, -128, -128, 127},
                                        {0.3F, 127, -128, 127},
                                        {2, 255, 0, 255},
                                        {0.017F, 77, 0, 255},
                                        {0.5F, 0, -2, 1},
                                        {0.7F, 3, 0, 3},
                                        {1e-3F, 65535, 0, 65535},
                                        {0.25F, -32768, -32768, 32767},
                                        {std::numeric_limits<float>::min(), 0, -127, 127},
                                        {1e30F, 0, -127, 127}};

// round half to even of a quotient, ±infinity included.
double half_even(double x) {
  if (std::isinf(x)) return x;
  const double below = std::floor(x), rest = x - below;
  const bool up = rest > 0.5 || (rest == 0.5 && std::fmod(below, 2) != 0);
  return below + (up ? 1 : 0);
}

double unclamped(const FakeQuantGrid& grid, float x) {
  return half_even(static_cast<double>(x / grid.scale)) + static_cast<double>(grid.zero);
}

float snapped(const FakeQuantGrid& grid, float x) {
  if (std::isnan(x)) return x;
  double q = unclamped(grid, x);
  if (q < static_cast<double>(grid.low)) q = static_cast<double>(grid.low);
  if (q > static_cast<double>(grid.high)) q = static_cast<double>(grid.high);
  return static_cast<float>(q - static_cast<double>(grid.zero)) * grid.scale;
}

float passed(const FakeQuantGrid& grid, float x, float dy) {
  const double q = unclamped(grid, x);
  return q >= static_cast<double>(grid.low) && q <= static_cast<double>(grid.high) ? dy : 0.0F;
}

// n values of which half are ties, one in eight is a neighbour of a tie, and special ones come again and again.
std::vector<float> values_for(const FakeQuantGrid& grid, std::int64_t n, std::uint64_t seed) {
  std::vector<float> x =
      uniform(n, static_cast<double>(2 * grid.low) - 9, static_cast<double>(2 * grid.high) + 9, seed);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = (std::round(x[i]) / 2 - grid.zero) * grid.scale;
    if (i % 8 == 1) x[i] = std::nextafter(x[i], kInfinity);
    if (i % 8 == 3) x[i] = std::nextafter(x[i], -kInfinity);
    if (i % 5 == 2) x[i] = kSpecial[(i + seed) % kSpecial.size()];
  }
  return x;
}

bool same(float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }

// Index of the first value that is not the same, −1 if all are.
std::int64_t first_other(const std::vector<float>& a, const std::vector<float>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!same(a[i], b[i])) return static_cast<std::int64_t>(i);
  }
  return a.size() == b.size() ? -1 : 0;
}

struct Extremes {
  float low, high;
};
Extremes min_max(const std::vector<float>& x) {
  Guarded<float> in(x);
  Extremes e{7, 7};
  kernels().min_max(static_cast<std::int64_t>(x.size()), in.data(), &e.low, &e.high);
  return e;
}

// check(grid, n, values) for every grid and size.
template <class Check>
void for_every_case(const Check& check) {
  for (const FakeQuantGrid& grid : kGrids) {
    CAPTURE(grid.scale);
    CAPTURE(grid.zero);
    for (const std::int64_t n : kSizes) {
      CAPTURE(n);
      check(grid, n, values_for(grid, n, static_cast<std::uint64_t>(n)));
    }
  }
}

}  // namespace

TEST_CASE("fake quantization is its definition in every bit, at every size and grid, in place and not") {
  for_every_case([](const FakeQuantGrid& grid, std::int64_t n, const std::vector<float>& x) {
    std::vector<float> expected;
    bool inside = true;
    for (const float v : x) {
      expected.push_back(snapped(grid, v));
      inside = inside && passed(grid, v, 1) == 1;
    }
    Guarded<float> in(x), out(x.size());
    CHECK(kernels().fake_quant(n, grid, in.data(), out.data()) == inside);
    CHECK(first_other(out.values(), expected) == -1);
    kernels().fake_quant(n, grid, in.data(), in.data());
    CHECK(first_other(in.values(), expected) == -1);
  });
}

TEST_CASE("fake quantization by a grid that covers its values is the same in every bit, the sign of 0 too") {
  for_every_case([](FakeQuantGrid grid, std::int64_t n, std::vector<float> x) {
    std::erase_if(x, [&](float v) { return passed(grid, v, 1) != 1; });
    std::vector<float> expected;
    for (const float v : x) expected.push_back(snapped(grid, v));
    grid.covers = true;
    Guarded<float> in(x), out(x.size());
    CHECK(kernels().fake_quant(std::ssize(x), grid, in.data(), out.data()));
    for (std::size_t i = 0; i < x.size(); ++i) {
      CAPTURE(n);
      REQUIRE(std::bit_cast<std::uint32_t>(out.data()[i]) == std::bit_cast<std::uint32_t>(expected[i]));
    }
  });
}

TEST_CASE("fake quantization and its derivative divide truly: ties and their neighbours, at any scale") {
  std::mt19937 random(7);
  for (int round = 0; round < 60; ++round) {
    const float low = round % 3 == 0 ? -2048.0F : round % 3 == 1 ? -128.0F : 0.0F;
    const float high = low + (round % 3 == 0 ? 4095.0F : 255.0F);
    const FakeQuantGrid grid{any_scale(random), round % 2 == 0 ? 0.0F : low + 17, low, high};
    const std::vector<float> x = beside_ties(grid.scale, low - grid.zero, high - grid.zero, random);
    std::vector<float> snaps, passes;
    for (const float v : x) {
      snaps.push_back(snapped(grid, v));
      passes.push_back(passed(grid, v, 3));
    }
    CAPTURE(grid.scale);
    const auto n = static_cast<std::int64_t>(x.size());
    Guarded<float> in(x), out(x.size()), dy(std::vector<float>(x.size(), 3)), dx(x.size());
    kernels().fake_quant(n, grid, in.data(), out.data());
    CHECK(first_other(out.values(), snaps) == -1);
    kernels().fake_quant_grad(n, grid, in.data(), dy.data(), dx.data());
    CHECK(first_other(dx.values(), passes) == -1);
  }
}

TEST_CASE("steps are right about the ends of what is found without dividing: scales, widths of grids, and numbers") {
  std::mt19937 random(11);
  for (const float power : {0x1p-61F, 0x1p-60F, 0x1p-59F, 0x1p59F, 0x1p60F, 0x1p61F}) {
    for (const float high : {1020.0F, 1021.0F, 1022.0F, 1023.0F, 7.0F}) {
      std::vector<float> scales{power, std::nextafter(power, 0.0F), std::nextafter(power, kInfinity)};
      scales.push_back(power * std::uniform_real_distribution<float>(1, 2)(random));
      for (const float scale : scales) {
        const FakeQuantGrid grid{scale, 0, -high, high};
        std::vector<float> x = beside_ties(scale, -high, high, random);
        for (int exponent = 19; exponent <= 27; ++exponent) {  // where 1.5·2²³ no longer rounds to whole numbers
          for (const float sign : {1.0F, -1.0F}) {
            const float mantissa = std::uniform_real_distribution<float>(1, 2)(random);
            x.push_back(sign * std::ldexp(mantissa, exponent) * scale);
            x.push_back(sign * std::ldexp(1.0F, exponent) * scale);
          }
        }
        std::vector<float> snaps, passes;
        for (const float v : x) {
          snaps.push_back(snapped(grid, v));
          passes.push_back(passed(grid, v, 3));
        }
        CAPTURE(scale);
        CAPTURE(high);
        Guarded<float> in(x), out(x.size()), dy(std::vector<float>(x.size(), 3)), dx(x.size());
        kernels().fake_quant(std::ssize(x), grid, in.data(), out.data());
        CHECK(first_other(out.values(), snaps) == -1);
        kernels().fake_quant_grad(std::ssize(x), grid, in.data(), dy.data(), dx.data());
        CHECK(first_other(dx.values(), passes) == -1);
      }
    }
  }
}

TEST_CASE("the derivative of fake quantization is its definition in every bit, in place of either input too") {
  for_every_case([](const FakeQuantGrid& grid, std::int64_t n, const std::vector<float>& x) {
    std::vector<float> dy = uniform(n, -1, 1, 3), expected;
    for (std::size_t i = 0; i < dy.size(); i += 7) dy[i] = kSpecial[i % kSpecial.size()];  // passed on as they are
    for (std::size_t i = 0; i < x.size(); ++i) expected.push_back(passed(grid, x[i], dy[i]));
    Guarded<float> in(x), gradient(dy), out(x.size());
    kernels().fake_quant_grad(n, grid, in.data(), gradient.data(), out.data());
    CHECK(first_other(out.values(), expected) == -1);
    Guarded<float> over_dy(dy);
    kernels().fake_quant_grad(n, grid, in.data(), over_dy.data(), over_dy.data());
    CHECK(first_other(over_dy.values(), expected) == -1);
    kernels().fake_quant_grad(n, grid, in.data(), gradient.data(), in.data());
    CHECK(first_other(in.values(), expected) == -1);
  });
}

TEST_CASE("fake quantization writes nothing outside of its values, wherever these begin") {
  const FakeQuantGrid grid = kGrids[0];
  for (std::size_t offset = 0; offset < 20; ++offset) {
    for (const std::size_t n : {0U, 1U, 3U, 8U, 17U, 33U}) {
      const std::vector<float> x(offset + n, 2.4F);
      Guarded<float> in(x), out(std::vector<float>(offset + n + 20, -5.0F));
      kernels().fake_quant(static_cast<std::int64_t>(n), grid, in.data() + offset, out.data() + offset);
      kernels().fake_quant_grad(0, grid, in.data(), in.data(), out.data());
      const std::vector<float> all = out.values();
      for (std::size_t i = 0; i < all.size(); ++i) CHECK(all[i] == (i >= offset && i < offset + n ? 2.0F : -5.0F));
    }
  }
}

TEST_CASE("the smallest and largest of values are found in every place of every size") {
  CHECK(min_max({}).low == kInfinity);
  CHECK(min_max({}).high == -kInfinity);
  for (const std::int64_t n : kSizes) {
    CAPTURE(n);
    const std::vector<float> x = uniform(n, -1, 1, 5);
    const std::size_t step = n > 300 ? 37 : 1;
    for (std::size_t place = 0; place < x.size(); place += step) {
      std::vector<float> y = x;
      y[place] = 3;
      y[(place + 1) % y.size()] = -3;  // the same place for n = 1
      const Extremes e = min_max(y);
      CHECK(e.low == -3);
      CHECK(e.high == (n == 1 ? -3 : 3));
    }
  }
}

TEST_CASE("a NaN anywhere makes both extremes NaN, infinities are extremes, and denormals are not flushed") {
  for (const std::int64_t n : {1, 2, 7, 8, 9, 16, 17, 31, 33, 64, 97}) {
    for (std::size_t place = 0; place < static_cast<std::size_t>(n); ++place) {
      std::vector<float> x = uniform(n, -1, 1, 5);
      x[place] = kNan;
      CHECK(std::isnan(min_max(x).low));
      CHECK(std::isnan(min_max(x).high));
      x[place == 0 ? static_cast<std::size_t>(n) - 1 : 0] = kInfinity;  // beside the NaN, or in its place
      CHECK(std::isnan(min_max(x).low) == (n > 1));
      x.assign(x.size(), 0.5F);
      x[place] = -kInfinity;
      CHECK(min_max(x).low == -kInfinity);
      CHECK(min_max(x).high == (n == 1 ? -kInfinity : 0.5F));
      x.assign(x.size(), kDenormal);
      x[place] = 2 * kDenormal;
      CHECK(min_max(x).low == (n == 1 ? 2 : 1) * kDenormal);
      CHECK(min_max(x).high == 2 * kDenormal);
      x.assign(x.size(), kInfinity);
      CHECK(min_max(x).low == kInfinity);
      x.assign(x.size(), kNan);
      CHECK(std::isnan(min_max(x).high));
    }
  }
}
