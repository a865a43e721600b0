// Convolution by Winograd's algorithms. Oracles: the direct sums in double precision and the stated bound of the distance
// from them; the direct algorithm's own results where an algorithm must be chosen; and equality of bits.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "support/worse.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/core/ops/conv2d.hpp"
#include "tempera/core/ops/conv2d_winograd.hpp"
#include "tempera/core/ops/elementwise.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/random.hpp"

namespace tempera::core {
namespace {

struct Case {
  std::int64_t images, in, out, height, width, padding_h = 0, padding_w = 0;
};

// Images that are no whole number of tiles or blocks, smaller than a tile, wider than a vector, in any padding.
const std::vector<Case>& cases() {
  static const std::vector<Case> all{{1, 1, 1, 3, 3},         {1, 1, 1, 1, 1, 1, 1},    {2, 3, 5, 7, 9},
                                     {3, 2, 7, 6, 6},         {2, 5, 3, 10, 4, 0, 1},   {1, 17, 13, 12, 11, 1, 1},
                                     {2, 8, 6, 5, 30, 2, 0},  {5, 33, 9, 9, 8, 2, 2},   {1, 4, 20, 26, 26},
                                     {7, 16, 16, 4, 4, 1, 1}, {2, 40, 31, 8, 19, 3, 1}, {30, 3, 4, 3, 5, 1, 1},
                                     {1, 530, 7, 6, 5, 1, 0}};
  return all;
}

Tensor normal(const Shape& shape, std::uint64_t seed, double scale = 1) {
  Tensor x(shape);
  Random(seed, "winograd").fill_normal(x.mutable_values(), 0, scale);
  return x;
}

// Magnitudes that differ by 10⁶ between channels, which a bound by channel must follow.
Tensor uneven(const Shape& shape, std::uint64_t seed) {
  Tensor x = normal(shape, seed);
  const std::int64_t plane = shape[2] * shape[3];
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    x.mutable_data()[i] *= static_cast<Scalar>(std::pow(10.0, static_cast<double>(i / plane * 5 % 7 - 3)));
  }
  return x;
}

double pixel(const Tensor& x, std::int64_t n, std::int64_t c, std::int64_t y, std::int64_t z) {
  if (y < 0 || z < 0 || y >= x.dim(2) || z >= x.dim(3)) return 0;
  return static_cast<double>(x.data()[((n * x.dim(1) + c) * x.dim(2) + y) * x.dim(3) + z]);
}

// The largest magnitude in rows × columns from (y, z) on.
double norm(const Tensor& x, std::int64_t n, std::int64_t c, std::int64_t y, std::int64_t z, std::int64_t rows,
            std::int64_t columns) {
  double most = 0;
  for (std::int64_t i = 0; i < rows * columns; ++i) {
    most = std::max(most, std::abs(pixel(x, n, c, y + i / columns, z + i % columns)));
  }
  return most;
}

// [out, in, r, r] → [in, out, r, r], turned by 180°.
Tensor turned(const Tensor& w) {
  const std::int64_t r = w.dim(2), taps = r * r;
  Tensor t({w.dim(1), w.dim(0), r, r});
  for (std::int64_t i = 0; i < w.numel(); ++i) {
    const std::int64_t filter = i / taps, o = filter / w.dim(1), c = filter % w.dim(1);
    t.mutable_data()[(c * w.dim(0) + o) * taps + taps - 1 - i % taps] = w.data()[i];
  }
  return t;
}

// How much of the bound E·Σ‖x‖·‖w‖ the worst element of y = x ⋆ w takes.
double share_of_bound(const Tensor& y, const Tensor& x, const Tensor& w, std::int64_t padding_h, std::int64_t padding_w,
                      std::int64_t m, ConvPass pass) {
  const std::int64_t r = w.dim(2), side = m + r - 1;
  const double factor = conv_error_factor(m, pass, x.dim(1), r);
  double worst = 0;
  for (std::int64_t i = 0; i < y.numel(); ++i) {
    const std::int64_t z = i % y.dim(3), v = i / y.dim(3) % y.dim(2), o = i / (y.dim(3) * y.dim(2)) % y.dim(1);
    const std::int64_t n = i / (y.dim(3) * y.dim(2) * y.dim(1));
    double sum = 0, norms = 0;
    for (std::int64_t c = 0; c < x.dim(1); ++c) {
      for (std::int64_t t = 0; t < r * r; ++t) {
        sum += pixel(w, o, c, t / r, t % r) * pixel(x, n, c, v - padding_h + t / r, z - padding_w + t % r);
      }
      norms += norm(w, o, c, 0, 0, r, r) * norm(x, n, c, v / m * m - padding_h, z / m * m - padding_w, side, side);
    }
    const double off = std::abs(static_cast<double>(y.data()[i]) - sum);
    worst = test::worse(worst, norms > 0 ? off / (factor * norms) : off);
  }
  return worst;
}

double share_of_bound_by_weight(const Tensor& dw, const Tensor& x, const Tensor& dy, const Case& c) {
  const std::int64_t r = dw.dim(2), m = 7 - r, side = 6;
  const std::int64_t down = (dy.dim(2) + m - 1) / m, across = (dy.dim(3) + m - 1) / m;
  const double factor = conv_error_factor(m, ConvPass::kByWeight, dy.dim(0) * down * across, r);
  double worst = 0;
  for (std::int64_t o = 0; o < dw.dim(0); ++o) {
    for (std::int64_t i = 0; i < dw.dim(1); ++i) {
      double norms = 0;
      for (std::int64_t n = 0; n < x.dim(0); ++n) {
        for (std::int64_t t = 0; t < down * across; ++t) {
          const std::int64_t y = t / across * m, z = t % across * m;
          norms += norm(dy, n, o, y, z, m, m) * norm(x, n, i, y - c.padding_h, z - c.padding_w, side, side);
        }
      }
      for (std::int64_t tap = 0; tap < r * r; ++tap) {
        double sum = 0;
        for (std::int64_t p = 0; p < x.dim(0) * dy.dim(2) * dy.dim(3); ++p) {
          const std::int64_t n = p / (dy.dim(2) * dy.dim(3)), y = p / dy.dim(3) % dy.dim(2), z = p % dy.dim(3);
          sum += pixel(dy, n, o, y, z) * pixel(x, n, i, y + tap / r - c.padding_h, z + tap % r - c.padding_w);
        }
        const double off = std::abs(static_cast<double>(dw.data()[(o * dw.dim(1) + i) * r * r + tap]) - sum);
        worst = test::worse(worst, norms > 0 ? off / (factor * norms) : off);
      }
    }
  }
  return worst;
}

ConvAlgorithm algorithm_of(std::int64_t m) {
  return m == 4 ? ConvAlgorithm::kWinograd4x4 : ConvAlgorithm::kWinograd2x2;
}

struct Results {
  Tensor y, dx, dw, db;
};

Results run(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dOptions& options,
            std::uint64_t seed = 3) {
  const Variable input(x, true), weight(w, true), offset = bias.empty() ? Variable() : Variable(bias, true);
  const Variable y = conv2d(input, weight, offset, options);
  backward(y, normal(y.shape(), seed));
  return {y.value(), input.grad(), weight.grad(), bias.empty() ? Tensor() : offset.grad()};
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::equal(a.data(), a.data() + a.numel(), b.data(), [](Scalar p, Scalar q) {
           return p == q || (std::isnan(p) && std::isnan(q));
         });
}

bool same_bits(const Results& a, const Results& b) {
  return same_bits(a.y, b.y) && same_bits(a.dx, b.dx) && same_bits(a.dw, b.dw) &&
         (a.db.empty() || same_bits(a.db, b.db));
}

}  // namespace

TEST_CASE("every element of Winograd's convolution and of its gradients stays within the stated bound") {
  double farthest = 0;
  for (const Case& c : cases()) {
    for (const std::int64_t m : {2, 4}) {
      for (const bool level : {true, false}) {
        const Shape pixels{c.images, c.in, c.height, c.width}, weights{c.out, c.in, 3, 3};
        const Tensor x = level ? normal(pixels, 1) : uneven(pixels, 1),
                     w = level ? normal(weights, 2, 0.1) : uneven(weights, 2);
        CAPTURE(pixels.text());
        CAPTURE(m);
        const Conv2dOptions options{.padding = {c.padding_h, c.padding_w}, .algorithm = algorithm_of(m)};
        const Results r = run(x, w, {}, options);
        const Tensor dy = normal(r.y.shape(), 3);
        std::vector<double> shares{share_of_bound(r.y, x, w, c.padding_h, c.padding_w, m, ConvPass::kForward)};
        if (std::max(c.padding_h, c.padding_w) <= 2) {
          shares.push_back(
              share_of_bound(r.dx, dy, turned(w), 2 - c.padding_h, 2 - c.padding_w, m, ConvPass::kByInput));
        }
        if (m == 4) shares.push_back(share_of_bound_by_weight(r.dw, x, dy, c));
        for (const double share : shares) {
          CHECK(share <= 1);
          farthest = test::worse(farthest, share);
        }
      }
    }
  }
  MESSAGE("the worst element takes " << farthest << " of the bound");
  CHECK(farthest <
        0.05);  // errors that add up as chance has it; digits lost somewhere would show long before the bound
}

TEST_CASE("convolutions of 5×5 taps that take F(2×2, 5×5) stay within its bound, forwards and backwards") {
  // LeNet's second one; extents that are no whole number of tiles; padding up to what the input gradient allows.
  for (const Case& c : {Case{1, 20, 50, 12, 12}, Case{3, 24, 20, 13, 11, 2, 1}, Case{2, 24, 18, 9, 11, 4, 4}}) {
    for (const bool level : {true, false}) {
      const Shape pixels{c.images, c.in, c.height, c.width}, weights{c.out, c.in, 5, 5};
      const Tensor x = level ? normal(pixels, 1) : uneven(pixels, 1);
      const Tensor w = level ? normal(weights, 2, 0.1) : uneven(weights, 2);
      const Conv2dOptions options{.padding = {c.padding_h, c.padding_w}};
      Conv2dOptions direct = options;
      direct.algorithm = ConvAlgorithm::kDirect;
      const Results r = run(x, w, {}, options), other = run(x, w, {}, direct);
      // The algorithm was taken; but of LeNet's, 64 pixels of gradient would become 36 tiles, and the tiles of one image
      // are so few that they might round too much beside a direct sum.
      CHECK_FALSE(same_bits(r.y, other.y));
      CHECK(same_bits(r.dx, other.dx) == (c.images == 1));
      CHECK(same_bits(r.dw, other.dw) == (c.images == 1));
      const Tensor dy = normal(r.y.shape(), 3);
      CHECK(share_of_bound(r.y, x, w, c.padding_h, c.padding_w, 2, ConvPass::kForward) < 0.05);
      CHECK(share_of_bound(r.dx, dy, turned(w), 4 - c.padding_h, 4 - c.padding_w, 2, ConvPass::kByInput) < 0.05);
      CHECK(share_of_bound_by_weight(r.dw, x, dy, c) < 0.05);
    }
  }
  CHECK(conv_error_factor(2, ConvPass::kForward, 20, 5) / (std::numeric_limits<Scalar>::epsilon() / 2) ==
        doctest::Approx(1388.57 * (20 + 40)).epsilon(1e-4));  // κ = 4.5 + 2·9.60 + 2·6.78 = 37.26, by hand
}

TEST_CASE("the bound of a direct sum holds as well, so that the two may be compared") {
  for (const Case& c : cases()) {
    const Tensor x = normal({c.images, c.in, c.height, c.width}, 1), w = normal({c.out, c.in, 3, 3}, 2);
    const Results r = run(x, w, {}, {.padding = {c.padding_h, c.padding_w}, .algorithm = ConvAlgorithm::kDirect});
    CHECK(share_of_bound(r.y, x, w, c.padding_h, c.padding_w, 1, ConvPass::kForward) <= 1);
  }
}

TEST_CASE("the factor of the bound is κ²·γ(terms + roundings) with the κ that the matrices have") {
  const double u = std::numeric_limits<Scalar>::epsilon() / 2;
  const auto gamma = [u](double n) { return n * u / (1 - n * u); };
  CHECK(conv_error_factor(2, ConvPass::kForward, 32) == doctest::Approx(64 * gamma(32 + 28)).epsilon(1e-12));
  // 4.5 + 15.07 + 5.33 = 24.899 (row 0 of Aᵀ), by hand from the rows of the three matrices.
  CHECK(conv_error_factor(4, ConvPass::kForward, 32) == doctest::Approx(619.985 * gamma(32 + 36)).epsilon(1e-5));
  CHECK(conv_error_factor(4, ConvPass::kByWeight, 100) == doctest::Approx(944.205 * gamma(100 + 38)).epsilon(1e-5));
  CHECK(conv_error_factor(1, ConvPass::kForward, 32) == doctest::Approx(9 * gamma(288)).epsilon(1e-12));
}

TEST_CASE("Winograd's convolution gives the same bits on 1, 2, 3, 4 and 7 threads") {
  const int before = thread_count();
  for (const Case& c : {Case{9, 16, 24, 13, 18, 1, 1}, Case{40, 5, 7, 9, 9}, Case{1, 20, 12, 30, 31, 0, 2}}) {
    for (const ConvAlgorithm a : {ConvAlgorithm::kAuto, ConvAlgorithm::kWinograd2x2, ConvAlgorithm::kWinograd4x4}) {
      const Conv2dOptions options{.padding = {c.padding_h, c.padding_w}, .relu = true, .algorithm = a};
      const Tensor x = normal({c.images, c.in, c.height, c.width}, 4), w = normal({c.out, c.in, 3, 3}, 5, 0.1);
      const Tensor bias = normal({c.out}, 6);
      set_thread_count(1);
      const Results first = run(x, w, bias, options);
      for (const int threads : {2, 3, 4, 7}) {
        set_thread_count(threads);
        CHECK(same_bits(first, run(x, w, bias, options)));
      }
    }
  }
  set_thread_count(before);
}

TEST_CASE("an image's result and its gradient have the same bits whatever batch it is in") {
  for (const ConvAlgorithm a : {ConvAlgorithm::kAuto, ConvAlgorithm::kWinograd2x2, ConvAlgorithm::kWinograd4x4}) {
    for (const std::int64_t in : {3, 24}) {
      const Conv2dOptions options{.padding = {1, 0}, .algorithm = a};
      const std::int64_t images = 7, height = 11, width = 14;
      const Tensor x = normal({images, in, height, width}, 7), w = normal({20, in, 3, 3}, 8);
      const Results all = run(x, w, {}, options);
      const Variable weight(w);
      const std::int64_t pixels = in * height * width, outputs = all.y.numel() / images;
      const Tensor dy = normal(all.y.shape(), 3);
      for (const std::int64_t image : {0, 3, 6}) {
        Tensor alone({1, in, height, width}), grad({1, 20, all.y.dim(2), all.y.dim(3)});
        std::copy_n(x.data() + image * pixels, pixels, alone.mutable_data());
        std::copy_n(dy.data() + image * outputs, outputs, grad.mutable_data());
        const Variable input(alone, true);
        const Variable y = conv2d(input, weight, {}, options);
        backward(y, grad);
        CHECK(std::equal(y.value().data(), y.value().data() + outputs, all.y.data() + image * outputs));
        CHECK(std::equal(input.grad().data(), input.grad().data() + pixels, all.dx.data() + image * pixels));
      }
    }
  }
}

TEST_CASE(
    "auto takes F(4×4, 3×3) where channels are many, F(2×2, 3×3) or the direct sum where its error would grow too "
    "far") {
  const auto forward_like = [](const Case& c, ConvAlgorithm a) {
    const Variable x(normal({c.images, c.in, c.height, c.width}, 9)), w(normal({c.out, c.in, 3, 3}, 10));
    const Conv2dOptions asked{.padding = {c.padding_h, c.padding_w}, .algorithm = a};
    Conv2dOptions automatic = asked;
    automatic.algorithm = ConvAlgorithm::kAuto;
    return same_bits(conv2d(x, w, {}, asked).value(), conv2d(x, w, {}, automatic).value());
  };
  const Case many{2, 32, 64, 26, 26}, few{2, 8, 64, 26, 26}, one{2, 1, 32, 28, 28}, small{2, 32, 64, 3, 3};
  CHECK(forward_like(many, ConvAlgorithm::kWinograd4x4));
  CHECK_FALSE(forward_like(many, ConvAlgorithm::kDirect));
  CHECK_FALSE(forward_like(few, ConvAlgorithm::kWinograd4x4));
  CHECK(forward_like(one, ConvAlgorithm::kDirect));
  CHECK(forward_like(small, ConvAlgorithm::kDirect));
  for (const std::int64_t in : {1, 4, 8, 11, 12, 16, 32, 256}) {
    const double direct = conv_error_factor(1, ConvPass::kForward, in);
    CHECK((conv_error_factor(4, ConvPass::kForward, in) <= kAutoErrorRatio * direct) == (in >= 12));
  }
}

TEST_CASE("bias and ReLU in Winograd's output transform are those of the plain operations") {
  for (const std::int64_t m : {2, 4}) {
    const Variable x(normal({2, 6, 9, 13}, 11), true), w(normal({10, 6, 3, 3}, 12), true), b(normal({10}, 13), true);
    const Variable y = conv2d(x, w, b, {.padding = {1, 1}, .relu = true, .algorithm = algorithm_of(m)});
    const Tensor plain = conv2d(x, w, {}, {.padding = {1, 1}, .algorithm = algorithm_of(m)}).value();
    const Tensor dy = normal(y.shape(), 14);
    backward(y, dy);
    std::vector<double> expected(10);
    const std::int64_t plane = 9 * 13;
    for (std::int64_t i = 0; i < plain.numel(); ++i) {
      const auto channel = static_cast<std::size_t>(i / plane % 10);
      const Scalar sum = plain.data()[i] + b.value().data()[channel];
      REQUIRE(y.value().data()[i] == std::max(sum, Scalar{0}));
      if (sum > 0) expected[channel] += static_cast<double>(dy.data()[i]);
    }
    for (std::size_t o = 0; o < 10; ++o) {
      CHECK(static_cast<double>(b.grad().data()[o]) == doctest::Approx(expected[o]).epsilon(1e-4).scale(1));
    }
  }
}

TEST_CASE("a NaN or an infinity makes all outputs of the tiles that read it not finite, and no others") {
  for (const Scalar bad : {std::numeric_limits<Scalar>::quiet_NaN(), std::numeric_limits<Scalar>::infinity()}) {
    for (const std::int64_t m : {2, 4}) {
      Tensor pixels = normal({2, 3, 14, 14}, 15);
      const std::int64_t row = 6, column = 9;
      pixels.mutable_data()[row * 14 + column] = bad;
      const Tensor y =
          conv2d(Variable(pixels), Variable(normal({4, 3, 3, 3}, 16)), {}, {.algorithm = algorithm_of(m)}).value();
      for (std::int64_t i = 0; i < y.numel(); ++i) {
        const std::int64_t top = i / 12 % 12 / m * m, left = i % 12 / m * m;
        const bool reads = i < 4 * 144 && top <= row && row < top + m + 2 && left <= column && column < left + m + 2;
        const bool is_window =
            reads && i / 12 % 12 <= row && row < i / 12 % 12 + 3 && i % 12 <= column && column < i % 12 + 3;
        if (!reads) CHECK(std::isfinite(y.data()[i]));
        if (is_window) CHECK_FALSE(std::isfinite(y.data()[i]));
      }
    }
  }
}

TEST_CASE("Winograd's algorithms refuse what is not 3×3 with stride 1, dilation 1 and one group") {
  const Variable x(normal({1, 4, 8, 8}, 17));
  const auto refuses = [&](const Shape& weight, Conv2dOptions options) {
    options.algorithm = ConvAlgorithm::kWinograd4x4;
    CHECK_THROWS_AS((void)conv2d(x, Variable(normal(weight, 18)), {}, options), ConfigError);
  };
  refuses({2, 4, 5, 5}, {});
  refuses({2, 4, 3, 1}, {});
  refuses({2, 4, 3, 3}, {.stride = {1, 2}});
  refuses({2, 4, 3, 3}, {.dilation = {2, 1}});
  refuses({2, 2, 3, 3}, {.groups = 2});
}

TEST_CASE("Winograd's gradients of an empty batch are zero") {
  const Results r = run(Tensor(Shape{0, 4, 8, 8}), normal({3, 4, 3, 3}, 19), normal({3}, 20),
                        {.algorithm = ConvAlgorithm::kWinograd4x4});
  for (const Scalar g : r.dw.values()) CHECK(g == 0);
  for (const Scalar g : r.db.values()) CHECK(g == 0);
}

}  // namespace tempera::core
