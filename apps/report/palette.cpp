#include "tempera/apps/report/palette.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

namespace tempera::cli::report {
namespace {

constexpr Color rgb(std::uint32_t hex) {
  return {static_cast<std::uint8_t>(hex >> 16), static_cast<std::uint8_t>(hex >> 8 & 0xFFU),
          static_cast<std::uint8_t>(hex & 0xFFU)};
}

constexpr std::array<NamedColor, 9 + kSeriesColors> kColors{{
    {"page", rgb(0xFFFFFF), rgb(0x12161C)},  {"surface", rgb(0xF5F7FA), rgb(0x1B212A)},
    {"ink", rgb(0x17202B), rgb(0xE8ECF1)},   {"muted", rgb(0x566273), rgb(0xA3AFBE)},
    {"rule", rgb(0xDDE2E9), rgb(0x323B47)},  {"accent", rgb(0x0B62A8), rgb(0x74B9F2)},
    {"alarm", rgb(0xFFE9E0), rgb(0x4A1D10)}, {"alarm-ink", rgb(0x8A2A06), rgb(0xFFC9B3)},
    {"quiet", rgb(0x8A929C), rgb(0x717B88)}, {"s0", rgb(0x0068B3), rgb(0x5AB0F0)},
    {"s1", rgb(0xC85200), rgb(0xF58F4C)},    {"s2", rgb(0x007F5C), rgb(0x45CFA3)},
    {"s3", rgb(0xA0408C), rgb(0xE59AD4)},    {"s4", rgb(0x7E6A00), rgb(0xE0C445)},
    {"s5", rgb(0x3B2C91), rgb(0xA99CF5)},    {"s6", rgb(0xC0405A), rgb(0xF7909F)},
    {"s7", rgb(0x1B6E2B), rgb(0x86D480)},    {"s8", rgb(0x5F6670), rgb(0xC3CAD3)},
    {"s9", rgb(0x84501F), rgb(0xD6A27A)},
}};

// Single-hue ladders; each is monotone in luminance, which the printed page and every kind of colour vision keep.
constexpr std::array kHeatLight{rgb(0xF6F9FC), rgb(0xD3E4F3), rgb(0x9CC7E4),
                                rgb(0x4E97CB), rgb(0x1763A6), rgb(0x082F60)};
constexpr std::array kHeatDark{rgb(0x1A2029), rgb(0x1D3A5A), rgb(0x245F93),
                               rgb(0x3D8CC9), rgb(0x86BFEA), rgb(0xDDF0FD)};

double linear(std::uint8_t channel) {
  const double value = channel / 255.0;
  return value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
}

std::uint8_t between(std::uint8_t a, std::uint8_t b, double share) {
  return static_cast<std::uint8_t>(std::lround(a + (b - a) * share));
}

}  // namespace

const std::array<NamedColor, 9 + kSeriesColors>& named_colors() { return kColors; }

Color heat_color(int level, Theme theme) {
  const std::span<const Color> ladder = theme == Theme::light ? std::span<const Color>(kHeatLight) : kHeatDark;
  const double at = static_cast<double>(std::clamp(level, 0, kHeatLevels - 1)) / (kHeatLevels - 1) *
                    static_cast<double>(ladder.size() - 1);
  const auto lower = std::min(static_cast<std::size_t>(at), ladder.size() - 2);
  const double share = at - static_cast<double>(lower);
  const Color a = ladder[lower];
  const Color b = ladder[lower + 1];
  return {between(a.r, b.r, share), between(a.g, b.g, share), between(a.b, b.b, share)};
}

int heat_level(double share) {
  if (!(share > 0)) return 0;
  return static_cast<int>(std::lround(std::min(share, 1.0) * (kHeatLevels - 1)));
}

Color ink_on(Color background) {
  constexpr Color kBlack = rgb(0x000000);
  constexpr Color kWhite = rgb(0xFFFFFF);
  return contrast(background, kBlack) >= contrast(background, kWhite) ? kBlack : kWhite;
}

double luminance(Color color) { return 0.2126 * linear(color.r) + 0.7152 * linear(color.g) + 0.0722 * linear(color.b); }

double contrast(Color a, Color b) {
  const double of_a = luminance(a) + 0.05;
  const double of_b = luminance(b) + 0.05;
  return std::max(of_a, of_b) / std::min(of_a, of_b);
}

std::string css(Color color) { return fmt::format("#{:02x}{:02x}{:02x}", color.r, color.g, color.b); }

std::string variables(Theme theme) {
  std::string out;
  for (const NamedColor& color : kColors) {
    out += fmt::format("--{}:{};", color.name, css(theme == Theme::light ? color.light : color.dark));
  }
  return out;
}

std::string heat_rules(Theme theme) {
  std::string out;
  for (int level = 0; level < kHeatLevels; ++level) {
    const Color fill = heat_color(level, theme);
    out += fmt::format(".h{0}{{fill:{1}}}.i{0}{{fill:{2}}}", level, css(fill), css(ink_on(fill)));
  }
  return out;
}

}  // namespace tempera::cli::report
