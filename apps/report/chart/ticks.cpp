#include "tempera/apps/report/chart/ticks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

#include "tempera/apps/report/text.hpp"

namespace tempera::cli::report {
namespace {

constexpr std::array<double, 3> kMantissas{1, 2, 5};
// Ticks are products of a double; a bound this much beyond a tick still counts as on it.
constexpr double kSlack = 1e-9;
// Beyond these the difference or the logarithm of two values is no longer a double.
constexpr double kLargest = 1e300;
constexpr double kSmallest = 1e-300;

double power_of_ten(int exponent) { return std::pow(10.0, exponent); }

std::vector<double> log_ladder(Range range) {
  std::vector<double> out;
  const int first = static_cast<int>(std::floor(std::log10(range.low))) - 1;
  const int last = static_cast<int>(std::ceil(std::log10(range.high))) + 1;
  for (int exponent = first; exponent <= last; ++exponent) {
    for (const double mantissa : kMantissas) out.push_back(mantissa * power_of_ten(exponent));
  }
  return out;
}

std::vector<double> log_ticks(Range range, int target) {
  std::vector<double> out;
  const double decades = std::log10(range.high) - std::log10(range.low);
  const int stride = std::max(1, static_cast<int>(std::ceil(decades / std::max(1, target))));
  for (const double value : log_ladder(range)) {
    if (value < range.low * (1 - kSlack) || value > range.high * (1 + kSlack)) continue;
    const double exponent = std::round(std::log10(value));
    const bool decade = std::abs(value / std::pow(10.0, exponent) - 1) < kSlack;
    const bool kept = decades < 2 || (decade && static_cast<int>(exponent) % stride == 0);
    if (kept) out.push_back(value);
  }
  return out;
}

std::string superscript(int value) {
  constexpr std::array<std::string_view, 10> kDigits{"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string out;
  for (const char c : fmt::format("{}", value)) out += c == '-' ? "⁻" : kDigits[static_cast<std::size_t>(c - '0')];
  return out;
}

std::string log_label(double value) {
  const double exponent = std::floor(std::log10(value) + kSlack);
  if (std::abs(exponent) <= 3) return fmt::format("{:.4g}", value);
  const double mantissa = value / std::pow(10.0, exponent);
  const std::string power = "10" + superscript(static_cast<int>(exponent));
  return std::abs(mantissa - 1) < kSlack ? power : fmt::format("{:.2g}·{}", mantissa, power);
}

int decimals_of(double step) {
  if (!(step > 0)) return 0;
  return std::clamp(static_cast<int>(std::ceil(-std::log10(step) - kSlack)), 0, 12);
}

}  // namespace

Range range_of(const std::vector<double>& values, ScaleKind kind) {
  Range range{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  for (const double value : values) {
    if (!std::isfinite(value) || (kind == ScaleKind::log && value <= 0)) continue;
    const double drawn = std::clamp(value, kind == ScaleKind::log ? kSmallest : -kLargest, kLargest);
    range.low = std::min(range.low, drawn);
    range.high = std::max(range.high, drawn);
  }
  if (range.low > range.high) return kind == ScaleKind::log ? Range{1, 10} : Range{0, 1};
  if (kind == ScaleKind::log) {
    return range.high > range.low * (1 + kSlack) ? range : Range{range.low / 2, range.high * 2};
  }
  const double size = std::max(std::abs(range.low), std::abs(range.high));
  if (range.high - range.low > std::max(kSlack * size, kSmallest)) return range;
  const double room = size > kSmallest ? size / 2 : 0.5;
  return {range.low - room, range.high + room};
}

Range room_around(const std::vector<double>& dots, Range limits) {
  double low = limits.high, high = limits.low;
  for (const double dot : dots) {
    if (!std::isfinite(dot)) continue;
    low = std::min(low, dot);
    high = std::max(high, dot);
  }
  if (low >= high) return limits;
  return {std::max(limits.low, low - (high - low)), std::min(limits.high, high + (high - low))};
}

void add_ends(std::vector<double>& shown, const std::vector<double>& ends, const std::optional<Range>& limits) {
  constexpr double kEverything = std::numeric_limits<double>::infinity();
  const Range room = limits ? room_around(shown, *limits) : Range{-kEverything, kEverything};
  for (const double end : ends) shown.push_back(std::clamp(end, room.low, room.high));
}

double nice_step(Range range, int target) {
  const double raw = (range.high - range.low) / std::max(1, target);
  if (!(raw > 0) || !std::isfinite(raw)) return 1;
  const double base = power_of_ten(static_cast<int>(std::floor(std::log10(raw) + kSlack)));
  for (const double mantissa : kMantissas) {
    if (mantissa * base >= raw * (1 - kSlack)) return mantissa * base;
  }
  return 10 * base;
}

Range nice_range(Range range, ScaleKind kind, int target) {
  if (kind == ScaleKind::linear) {
    const double step = nice_step(range, target);
    return {std::floor(range.low / step + kSlack) * step, std::ceil(range.high / step - kSlack) * step};
  }
  Range out = range;
  const std::vector<double> ladder = log_ladder(range);
  for (const double value : ladder) {
    if (value <= range.low * (1 + kSlack)) out.low = value;
  }
  out.high = *std::ranges::find_if(ladder, [&](double value) { return value >= range.high * (1 - kSlack); });
  return out;
}

std::vector<double> ticks(Range range, ScaleKind kind, int target) {
  if (kind == ScaleKind::log) return log_ticks(range, target);
  const double step = nice_step(range, target);
  std::vector<double> out;
  const double first = std::ceil(range.low / step - kSlack);
  const double last = std::floor(range.high / step + kSlack);
  for (double index = first; index <= last; ++index) out.push_back(index == 0 ? 0.0 : index * step);
  return out;
}

std::vector<std::string> tick_labels(const std::vector<double>& ticks, ScaleKind kind, TickFormat format) {
  const double step = ticks.size() > 1 ? ticks[1] - ticks[0] : 0;
  double largest = 0;
  for (const double tick : ticks) largest = std::max(largest, std::abs(tick));
  std::vector<std::string> out;
  for (const double tick : ticks) {
    if (format == TickFormat::bytes) {
      out.push_back(bytes(std::llround(tick)));
    } else if (kind == ScaleKind::log) {
      out.push_back(log_label(tick));
    } else if (format == TickFormat::percent) {
      out.push_back(fmt::format("{:.{}f}%", 100 * tick, decimals_of(100 * step)));
    } else if (largest >= 1e6 || (largest > 0 && largest < 1e-3)) {
      out.push_back(fmt::format("{:.3g}", tick));
    } else {
      out.push_back(fmt::format("{:.{}f}", tick, ticks.size() > 1 ? decimals_of(step) : decimals_of(largest / 100)));
    }
  }
  return out;
}

}  // namespace tempera::cli::report
