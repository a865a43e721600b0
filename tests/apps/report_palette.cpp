#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <map>
#include <string>

#include "tempera/apps/report/palette.hpp"

using namespace tempera::cli::report;

namespace {

std::map<std::string, Color> colors(Theme theme) {
  std::map<std::string, Color> out;
  for (const NamedColor& color : named_colors())
    out[std::string(color.name)] = theme == Theme::light ? color.light : color.dark;
  return out;
}

using Vector = std::array<double, 3>;

Vector times(const std::array<Vector, 3>& matrix, const Vector& v) {
  Vector out{};
  for (std::size_t i = 0; i < 3; ++i) out[i] = matrix[i][0] * v[0] + matrix[i][1] * v[1] + matrix[i][2] * v[2];
  return out;
}

double linear(std::uint8_t channel) {
  const double value = channel / 255.0;
  return value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
}

// Machado, Oliveira, Fernandes 2009, table 1, severity 1: full protanopia, deuteranopia, tritanopia; and the usual eye.
constexpr std::array<std::array<Vector, 3>, 4> kEyes{{
    {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}},
    {{{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}}},
    {{{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}}},
    {{{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}}},
}};

/// CIE 1976 L*a*b* under D65 of what the eye sees.
Vector lab(Color color, const std::array<Vector, 3>& eye) {
  const Vector rgb = times(eye, {linear(color.r), linear(color.g), linear(color.b)});
  const Vector xyz = times({{{0.4124, 0.3576, 0.1805}, {0.2126, 0.7152, 0.0722}, {0.0193, 0.1192, 0.9505}}}, rgb);
  const auto f = [](double t) { return t > 0.008856 ? std::cbrt(t) : 7.787 * t + 16.0 / 116; };
  const double x = f(xyz[0] / 0.9505), y = f(xyz[1]), z = f(xyz[2] / 1.089);
  return {116 * y - 16, 500 * (x - y), 200 * (y - z)};
}

double difference(Color a, Color b, const std::array<Vector, 3>& eye) {
  const Vector p = lab(a, eye), q = lab(b, eye);
  return std::hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
}

}  // namespace

TEST_CASE("contrast is 21 between black and white, 1 of a colour with itself, and the same both ways") {
  const Color black{0, 0, 0}, white{255, 255, 255}, grey{119, 119, 119};
  CHECK(contrast(black, white) == doctest::Approx(21.0));
  CHECK(contrast(white, black) == doctest::Approx(21.0));
  CHECK(contrast(grey, grey) == 1.0);
  CHECK(contrast(grey, white) == doctest::Approx(4.478).epsilon(1e-3));  // #777, the well-known near miss of 4.5
}

TEST_CASE("all text has a contrast of 4.5 and all marks of 3, in both themes") {
  for (const Theme theme : {Theme::light, Theme::dark}) {
    const auto all = colors(theme);
    for (const char* ground : {"page", "surface"}) {
      for (const char* text : {"ink", "muted", "accent"}) CHECK(contrast(all.at(text), all.at(ground)) >= 4.5);
    }
    CHECK(contrast(all.at("alarm-ink"), all.at("alarm")) >= 4.5);
    CHECK(contrast(all.at("quiet"), all.at("page")) >= 3);
    for (std::size_t i = 0; i < kSeriesColors; ++i) {
      CAPTURE(i);
      // Names stand on lines in the line's own colour, so they are text.
      CHECK(contrast(all.at("s" + std::to_string(i)), all.at("page")) >= 4.5);
    }
  }
}

TEST_CASE("the first four series colours differ for the usual eye and for three kinds of colour blindness") {
  for (const Theme theme : {Theme::light, Theme::dark}) {
    const auto all = colors(theme);
    for (const auto& eye : kEyes) {
      for (int i = 0; i < 4; ++i) {
        for (int j = i + 1; j < 4; ++j) {
          CAPTURE(i);
          CAPTURE(j);
          CHECK(difference(all.at("s" + std::to_string(i)), all.at("s" + std::to_string(j)), eye) > 12);
        }
      }
    }
  }
}

TEST_CASE("heat colours move away from the page level by level, and each carries legible numbers") {
  for (const Theme theme : {Theme::light, Theme::dark}) {
    for (int level = 0; level < kHeatLevels; ++level) {
      const Color color = heat_color(level, theme);
      CHECK(contrast(color, ink_on(color)) >= 4.5);
      if (level == 0) continue;
      const double step = luminance(color) - luminance(heat_color(level - 1, theme));
      CHECK((theme == Theme::light ? -step : step) > 0);
    }
  }
}

TEST_CASE("heat levels rise with the share and hold at the ends") {
  CHECK(heat_level(0) == 0);
  CHECK(heat_level(1) == kHeatLevels - 1);
  CHECK(heat_level(-3) == 0);
  CHECK(heat_level(7) == kHeatLevels - 1);
  CHECK(heat_level(std::nan("")) == 0);
  for (int i = 1; i <= 100; ++i) CHECK(heat_level(i / 100.0) >= heat_level((i - 1) / 100.0));
}
