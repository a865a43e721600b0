// Oracle: closed forms: a shift is an index shift, a quarter turn is a transpose and a mirror image.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include "tempera/core/shape.hpp"
#include "tempera/datasets/transforms/cutout.hpp"
#include "tempera/datasets/transforms/flip.hpp"
#include "tempera/datasets/transforms/jitter.hpp"
#include "tempera/datasets/transforms/noise.hpp"
#include "tempera/datasets/transforms/rotate.hpp"

using namespace tempera;

namespace {

/// An image whose pixels are 1, 2, 3, … and the memory to work in.
struct Picture {
  Picture(std::int64_t channels, std::int64_t height, std::int64_t width)
      : pixels(static_cast<std::size_t>(channels * height * width)),
        scratch(pixels.size()),
        shape{channels, height, width} {
    std::iota(pixels.begin(), pixels.end(), Scalar{1});
  }
  data::ImageView view() { return {pixels.data(), scratch.data(), shape[0], shape[1], shape[2]}; }
  Scalar& at(std::int64_t c, std::int64_t y, std::int64_t x) {
    return pixels[static_cast<std::size_t>((c * shape[1] + y) * shape[2] + x)];
  }
  bool inside(std::int64_t y, std::int64_t x) const { return y >= 0 && y < shape[1] && x >= 0 && x < shape[2]; }

  std::vector<Scalar> pixels, scratch;
  core::Shape shape;
};

}  // namespace

TEST_CASE("a shifted image has at (y, x) what was at (y - dy, x - dx), and 0 where that is outside") {
  for (std::int64_t dy = -6; dy <= 6; ++dy) {
    for (std::int64_t dx = -5; dx <= 5; ++dx) {
      Picture before(2, 5, 4);
      Picture after = before;
      data::shift_image(after.view(), dx, dy);
      for (std::int64_t i = 0; i < 40; ++i) {
        const std::int64_t c = i / 20, y = i / 4 % 5, x = i % 4;
        const Scalar expected = before.inside(y - dy, x - dx) ? before.at(c, y - dy, x - dx) : Scalar{0};
        REQUIRE(after.at(c, y, x) == expected);
      }
    }
  }
}

TEST_CASE("jitter of 1 pixel takes each of the nine shifts about equally often") {
  std::map<std::vector<Scalar>, int> seen;
  const data::Jitter jitter({.pixels = 1});
  const core::Random random(3, "test");
  constexpr int kDraws = 1800;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    Picture picture(1, 3, 3);
    jitter.apply(picture.view(), random.substream(i));
    ++seen[picture.pixels];
  }
  CHECK(seen.size() == 9);
  for (const auto& [pixels, count] : seen) {  // 200 expected, deviation 13.3
    CHECK(count > 140);
    CHECK(count < 260);
  }
}

TEST_CASE("flips mirror rows and columns, and two of them are none") {
  Picture picture(2, 3, 4);
  const std::vector<Scalar> before = picture.pixels;
  data::flip_horizontally(picture.view());
  CHECK(picture.at(1, 2, 0) == before[12 + 2 * 4 + 3]);
  data::flip_horizontally(picture.view());
  CHECK(picture.pixels == before);
  data::flip_vertically(picture.view());
  CHECK(picture.at(1, 0, 1) == before[12 + 2 * 4 + 1]);
  data::flip_vertically(picture.view());
  CHECK(picture.pixels == before);
  data::Flip({.probability = 0}).apply(picture.view(), core::Random(1, "test"));
  CHECK(picture.pixels == before);
}

TEST_CASE("rotation by 0 changes no bit, by 90 degrees is transpose and flip, by 180 both flips") {
  Picture before(2, 5, 5);
  Picture same = before;
  data::rotate_image(same.view(), 0);
  CHECK(same.pixels == before.pixels);
  Picture quarter = before;
  data::rotate_image(quarter.view(), 90);
  Picture half = before;
  data::rotate_image(half.view(), 180);
  for (std::int64_t i = 0; i < 50; ++i) {
    const std::int64_t c = i / 25, y = i / 5 % 5, x = i % 5;
    // Counter-clockwise: what was in the right column comes to the top row.
    CHECK(quarter.at(c, y, x) == doctest::Approx(before.at(c, x, 4 - y)).epsilon(1e-6));
    CHECK(half.at(c, y, x) == doctest::Approx(before.at(c, 4 - y, 4 - x)).epsilon(1e-6));
  }
}

TEST_CASE("rotation of a linear ramp is the ramp along the turned axis") {
  // Bilinear interpolation reproduces linear functions: value x−c becomes cos·(x−c) − sin·(y−c) inside.
  constexpr std::int64_t kSize = 21;
  Picture picture(1, kSize, kSize);
  for (std::int64_t i = 0; i < kSize * kSize; ++i)
    picture.pixels[static_cast<std::size_t>(i)] = static_cast<Scalar>(i % kSize - 10);
  data::rotate_image(picture.view(), 30);
  for (std::int64_t y = 5; y <= 15; ++y) {
    for (std::int64_t x = 5; x <= 15; ++x) {
      const double expected = 0.8660254037844386 * static_cast<double>(x - 10) - 0.5 * static_cast<double>(y - 10);
      CHECK(picture.at(0, y, x) == doctest::Approx(expected).epsilon(1e-5));
    }
  }
}

TEST_CASE("a blanked square is 0 inside, untouched outside, and cut at the border") {
  for (const auto& [x, y, size] : {std::array<std::int64_t, 3>{2, 3, 3}, {0, 0, 4}, {5, 5, 5}, {3, 3, 50}}) {
    Picture before(2, 6, 6);
    Picture after = before;
    data::blank_square(after.view(), x, y, size);
    for (std::int64_t i = 0; i < 72; ++i) {
      const std::int64_t c = i / 36, row = i / 6 % 6, column = i % 6;
      const bool blank =
          row >= y - size / 2 && row < y - size / 2 + size && column >= x - size / 2 && column < x - size / 2 + size;
      REQUIRE(after.at(c, row, column) == (blank ? Scalar{0} : before.at(c, row, column)));
    }
  }
}

TEST_CASE("noise has the mean and deviation it is given") {
  Picture picture(1, 100, 100);
  std::fill(picture.pixels.begin(), picture.pixels.end(), Scalar{0});
  data::Noise({.deviation = 0.25}).apply(picture.view(), core::Random(5, "test"));
  double sum = 0, squares = 0;
  for (const Scalar x : picture.pixels) {
    sum += x;
    squares += x * x;
  }
  CHECK(std::abs(sum / 1e4) < 0.01);                                       // four deviations of the mean
  CHECK(std::sqrt(squares / 1e4) == doctest::Approx(0.25).epsilon(0.03));  // four of the deviation
}

TEST_CASE("the catalog of transforms offers the five built-in ones and what a program adds") {
  const auto& registry = data::transforms();
  CHECK(registry.kind() == "transform");
  const auto names = registry.names();
  for (const char* name : {"cutout", "flip", "jitter", "noise", "rotate"}) {
    CHECK(std::ranges::find(names, name) != names.end());
  }
  struct Invert final : data::Transform {
    struct Config {
      void fields(core::FieldVisitor& /*v*/) {}
    };
    explicit Invert(const Config& /*config*/) {}
    void apply(const data::ImageView& image, const core::Random& /*random*/) const override {
      for (std::int64_t i = 0; i < image.size(); ++i) image.pixels[i] = 1 - image.pixels[i];
    }
  };
  data::TransformRegistry own("transform");
  own.add<Invert>("invert", "negative");
  Picture picture(1, 1, 2);
  own.make(*own.create("invert"))->apply(picture.view(), core::Random(0, "test"));
  CHECK(picture.pixels == std::vector<Scalar>{0, -1});
}
