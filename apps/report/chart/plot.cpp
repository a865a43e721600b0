// Layout of a chart: how much room labels and legend take, and where a value lies in what is left.
#include "tempera/apps/report/chart/plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "tempera/apps/report/text.hpp"

namespace tempera::cli::report {
namespace {

constexpr double kLine = 18;     // height of a row of text
constexpr double kGap = 9;       // between a label and what it labels
constexpr double kSwatch = 20;   // line or swatch of a legend entry
constexpr double kBaseline = 4;  // from the middle of a text to its baseline

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// Advance width in em, rounded up from DejaVu Sans, the widest of the usual sans-serif fonts.
double em(char c) {
  if (std::string_view(".,:;'|iljI ").find(c) != std::string_view::npos) return 0.4;
  if (std::string_view("%mwMW@").find(c) != std::string_view::npos) return 1;
  return c >= 'A' && c <= 'Z' ? 0.76 : 0.64;
}

Range bounds(const Axis& axis, const std::vector<double>& values) {
  if (!axis.names.empty()) return {-0.5, static_cast<double>(axis.names.size()) - 0.5};
  std::vector<double> all = values;
  if (axis.min) all.push_back(*axis.min);
  if (axis.max) all.push_back(*axis.max);
  Range range = range_of(all, axis.kind);
  if (!axis.tight) range = nice_range(range, axis.kind, axis.target);
  if (axis.min && *axis.min < range.high) range.low = *axis.min;
  if (axis.max && *axis.max > range.low) range.high = *axis.max;
  return range;
}

std::vector<double> tick_values(const Axis& axis, Range range) {
  std::vector<double> out;
  for (std::size_t i = 0; i < axis.names.size(); ++i) out.push_back(static_cast<double>(i));
  if (!out.empty()) return out;
  if (!axis.at.empty()) {
    std::ranges::copy_if(axis.at, std::back_inserter(out),
                         [range](double tick) { return tick >= range.low && tick <= range.high; });
    return out;
  }
  out = ticks(range, axis.kind, axis.target);
  if (axis.whole) std::erase_if(out, [](double tick) { return std::abs(tick - std::round(tick)) > 1e-9; });
  return out;
}

std::vector<std::string> labels(const Axis& axis, const std::vector<double>& ticks) {
  if (!axis.names.empty()) return axis.names;
  if (!axis.whole) return tick_labels(ticks, axis.kind, axis.format);
  std::vector<std::string> out;
  out.reserve(ticks.size());
  for (const double tick : ticks) out.push_back(fmt::format("{:.0f}", tick));
  return out;
}

double placed_at(double value, Range range, ScaleKind kind, double from, double to) {
  // Logarithms first: the ratio of the ends of a range may be no double.
  const auto scaled = [&](double v) { return kind == ScaleKind::log ? std::log(v) : v; };
  const double low = scaled(range.low);
  const double share = (scaled(std::clamp(value, range.low, range.high)) - low) / (scaled(range.high) - low);
  return from + share * (to - from);
}

// A legend's longest name must leave its swatch inside of the sheet.
constexpr double kEntryRoom = kSwatch + 6 + 14;

double entry_width(const LegendEntry& entry) { return kEntryRoom + text_width(entry.name); }

}  // namespace

double text_width(std::string_view text) {
  double width = 0;
  for (const char c : text) width += continues_character(c) ? 0 : em(c);
  return kFontSize * width;
}

std::string fitted(const std::string& text, double width) {
  if (text_width(text) <= width) return text;
  std::string out = text;
  while (!out.empty() && text_width(out + "…") > width) {
    while (continues_character(out.back())) out.pop_back();
    out.pop_back();
  }
  return out + "…";
}

Plot::Plot(Sheet sheet, Axis x, Axis y, const std::vector<double>& xs, const std::vector<double>& ys,
           std::vector<LegendEntry> legend)
    : sheet_(std::move(sheet)), x_axis_(std::move(x)), y_axis_(std::move(y)), legend_(std::move(legend)) {
  const auto finite = [](double value) { return std::isfinite(value); };
  empty_ = std::ranges::none_of(xs, finite) || std::ranges::none_of(ys, finite);
  x_range_ = bounds(x_axis_, xs);
  y_range_ = bounds(y_axis_, ys);
  x_ticks_ = tick_values(x_axis_, x_range_);
  y_ticks_ = tick_values(y_axis_, y_range_);
  x_labels_ = labels(x_axis_, x_ticks_);
  y_labels_ = labels(y_axis_, y_ticks_);
  lay_out();
}

void Plot::lay_out() {
  double widest = 0;
  for (std::string& label : y_labels_) {
    label = fitted(label, sheet_.width * 0.32);
    widest = std::max(widest, text_width(label));
  }
  double legend_rows = legend_.empty() ? 0 : 1;
  double used = 0;
  for (LegendEntry& entry : legend_) {
    entry.name = fitted(entry.name, sheet_.width - kEntryRoom);
    if (used > 0 && used + entry_width(entry) > sheet_.width) ++legend_rows, used = 0;
    used += entry_width(entry);
  }
  const double title = sheet_.show_title ? kLine + 6 : 0;
  const bool named = !x_axis_.names.empty() || x_labels_.empty();
  const double first = named ? 0 : text_width(x_labels_.front()) / 2;
  const double last = named ? 0 : text_width(x_labels_.back()) / 2;
  box_.left = std::max({widest + kGap + 2, first, y_axis_.room});
  box_.top = title + legend_rows * kLine + (y_axis_.label.empty() ? 6 : kLine) + 6;
  box_.right = sheet_.width - std::max(8.0, last);
  box_.bottom = sheet_.height - kLine - kGap - (x_axis_.label.empty() ? 0 : kLine);
  if (x_axis_.names.empty()) return;
  const double room = (box_.right - box_.left) / static_cast<double>(x_axis_.names.size()) - 2;
  for (std::string& label : x_labels_) label = fitted(label, room);
}

double Plot::x(double value) const { return placed_at(value, x_range_, x_axis_.kind, box_.left, box_.right); }
double Plot::y(double value) const { return placed_at(value, y_range_, y_axis_.kind, box_.bottom, box_.top); }

std::string Plot::axes() const {
  std::string out;
  const bool named = !y_axis_.names.empty();
  for (std::size_t i = 0; i < y_ticks_.size(); ++i) {
    const double at = y(y_ticks_[i]);
    if (!named || y_axis_.grid) {
      out += fmt::format("<path class=\"grid\" d=\"M{} {}H{}\"/>", coordinate(box_.left), coordinate(at),
                         coordinate(box_.right));
    }
    if (y_labels_[i].empty()) continue;
    out += fmt::format("<text class=\"{}\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>", named ? "word" : "tick",
                       coordinate(box_.left - kGap), coordinate(at + kBaseline), escape(y_labels_[i]));
  }
  if (!y_axis_.label.empty()) {
    out += fmt::format("<text class=\"axis\" x=\"0\" y=\"{}\">{}</text>", coordinate(box_.top - 11),
                       escape(y_axis_.label));
  }
  return out + x_axis();
}

std::string Plot::x_axis() const {
  std::string out =
      fmt::format("<rect class=\"plot\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>", coordinate(box_.left),
                  coordinate(box_.top), coordinate(box_.right - box_.left), coordinate(box_.bottom - box_.top));
  out += fmt::format("<path class=\"base\" d=\"M{} {}H{}\"/>", coordinate(box_.left), coordinate(box_.bottom),
                     coordinate(box_.right));
  for (std::size_t i = 0; i < x_ticks_.size(); ++i) {
    const double at = x(x_ticks_[i]);
    if (x_axis_.grid) {
      out += fmt::format("<path class=\"grid\" d=\"M{} {}V{}\"/>", coordinate(at), coordinate(box_.bottom),
                         coordinate(box_.top));
    }
    if (x_axis_.names.empty()) {
      out += fmt::format("<path class=\"base\" d=\"M{} {}v4\"/>", coordinate(at), coordinate(box_.bottom));
    }
    out += fmt::format("<text class=\"tick\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>", coordinate(at),
                       coordinate(box_.bottom + kLine), escape(x_labels_[i]));
  }
  if (!x_axis_.label.empty()) {
    out += fmt::format("<text class=\"axis\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>", coordinate(box_.right),
                       coordinate(box_.bottom + 2 * kLine), escape(x_axis_.label));
  }
  return out;
}

std::string Plot::legend() const {
  std::string out;
  double x = 0;
  double y = (sheet_.show_title ? kLine + 6 : 0) + kLine / 2;
  for (const LegendEntry& entry : legend_) {
    if (x > 0 && x + entry_width(entry) > sheet_.width) x = 0, y += kLine;
    const std::size_t color = entry.stroke.color % 10;
    if (entry.filled) {
      out += fmt::format("<rect class=\"f{}\" x=\"{}\" y=\"{}\" width=\"12\" height=\"12\" rx=\"2\"/>", color,
                         coordinate(x + 4), coordinate(y - 6));
    } else {
      out += fmt::format("<path class=\"line l{}{}\" stroke-width=\"2\" d=\"M{} {}h{}\"/>", color,
                         entry.stroke.dashed ? " dashed" : "", coordinate(x), coordinate(y), coordinate(kSwatch));
      out += marker_shape(x + kSwatch / 2, y, entry.stroke, {});
    }
    out += fmt::format("<text class=\"word\" x=\"{}\" y=\"{}\">{}</text>", coordinate(x + kSwatch + 6),
                       coordinate(y + kBaseline), escape(entry.name));
    x += entry_width(entry);
  }
  return out;
}

std::string Plot::finish() const {
  std::string out = open_svg(sheet_);
  if (sheet_.show_title) out += fmt::format("<text class=\"heading\" x=\"0\" y=\"14\">{}</text>", escape(sheet_.title));
  out += legend() + axes();
  out += empty_ ? fmt::format("<text class=\"axis\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">no values recorded</text>",
                              coordinate((box_.left + box_.right) / 2), coordinate((box_.top + box_.bottom) / 2))
                : body_;
  return out + "</svg>";
}

}  // namespace tempera::cli::report
