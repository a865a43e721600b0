// The colours of the report, light and dark, as named CSS variables. Text colours have a contrast of at least 4.5 : 1 and
// marks of at least 3 : 1 against the page (WCAG 2.2, 1.4.3 and 1.4.11); tests hold them to it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace tempera::cli::report {

/// sRGB, 8 bits a channel.
struct Color {
  std::uint8_t r = 0, g = 0, b = 0;
  friend bool operator==(const Color&, const Color&) = default;
};

enum class Theme { light, dark };

/// One CSS variable: --name.
struct NamedColor {
  std::string_view name;
  Color light;
  Color dark;
};

inline constexpr std::size_t kSeriesColors = 10;  ///< --s0 … --s9: lines and bars; the first four differ for every eye
inline constexpr int kHeatLevels = 48;            ///< .h0 … .h47: cells of heat maps, in rising order

/// Every variable but the heat levels: page, surface, ink, muted, rule, accent, alarm, alarm-ink, quiet, s0 … s9.
[[nodiscard]] const std::array<NamedColor, 9 + kSeriesColors>& named_colors();

/// The colour of heat level `level` in [0, kHeatLevels): away from the page's own brightness as it rises, monotonically.
[[nodiscard]] Color heat_color(int level, Theme theme);

/// The level of `share` in [0, 1]; what lies outside or is not a number is clamped (NaN to 0).
[[nodiscard]] int heat_level(double share);

/// Black or white, whichever reads better on `background`: always at least 4.58 : 1.
[[nodiscard]] Color ink_on(Color background);

/// Relative luminance and contrast ratio of WCAG 2.2.
[[nodiscard]] double luminance(Color color);
[[nodiscard]] double contrast(Color a, Color b);

[[nodiscard]] std::string css(Color color);  ///< "#1f77b4"

/// The declarations of all variables and heat classes for one theme, without selector braces around the variables:
/// variables("…") goes into :root{…}; heat_rules(theme) are whole rules.
[[nodiscard]] std::string variables(Theme theme);
[[nodiscard]] std::string heat_rules(Theme theme);

}  // namespace tempera::cli::report
