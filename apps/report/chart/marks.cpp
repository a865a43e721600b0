// The marks a Plot can carry, and the <svg> element itself.
#include <fmt/format.h>

#include <cmath>

#include "tempera/apps/report/chart/plot.hpp"
#include "tempera/apps/report/text.hpp"

namespace tempera::cli::report {
namespace {

std::string tooltip_element(std::string_view tooltip) {
  return tooltip.empty() ? std::string() : fmt::format("<title>{}</title>", escape(tooltip));
}

}  // namespace

bool Plot::visible(double x, double y) const { return std::isfinite(x) && std::isfinite(y); }

void Plot::line(std::span<const double> xs, std::span<const double> ys, const Stroke& stroke, std::string_view name) {
  const std::size_t count = std::min(xs.size(), ys.size());
  std::string points;
  std::size_t run = 0;
  const auto flush = [&](std::size_t end) {
    if (run > 1) {
      raw(fmt::format("<polyline class=\"line l{}{}\" stroke-width=\"{}\" points=\"{}\">{}</polyline>",
                      stroke.color % 10, stroke.dashed ? " dashed" : "", coordinate(stroke.width), points,
                      tooltip_element(name)));
    } else if (run == 1 && stroke.marker == Marker::none) {
      raw(marker_shape(x(xs[end - 1]), y(ys[end - 1]), {stroke.color, Marker::circle}, name));
    }
    points.clear();
    run = 0;
  };
  for (std::size_t i = 0; i < count; ++i) {
    if (!visible(xs[i], ys[i])) {
      flush(i);
      continue;
    }
    points += fmt::format("{}{},{}", run > 0 ? " " : "", coordinate(x(xs[i])), coordinate(y(ys[i])));
    ++run;
  }
  flush(count);
  for (std::size_t i = 0; stroke.marker != Marker::none && i < count; ++i) {
    marker(xs[i], ys[i], stroke, fmt::format("{}: {} at {}", name, significant(ys[i], 4), significant(xs[i], 4)));
  }
}

void Plot::band(std::span<const double> xs, std::span<const double> lows, std::span<const double> highs,
                std::size_t color) {
  std::string forth;
  std::string back;
  for (std::size_t i = 0; i < xs.size() && i < lows.size() && i < highs.size(); ++i) {
    if (!visible(xs[i], lows[i]) || !std::isfinite(highs[i])) continue;
    forth += fmt::format("{},{} ", coordinate(x(xs[i])), coordinate(y(highs[i])));
    back.insert(0, fmt::format("{},{} ", coordinate(x(xs[i])), coordinate(y(lows[i]))));
  }
  if (!forth.empty()) raw(fmt::format("<polygon class=\"band f{}\" points=\"{}{}\"/>", color % 10, forth, back));
}

void Plot::bar(Range xs, Range ys, std::string_view css_class, std::string_view tooltip) {
  if (!visible(xs.low, ys.low) || !visible(xs.high, ys.high)) return;
  const double left = x(xs.low);
  const double top = y(ys.high);
  raw(fmt::format("<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\">{}</rect>", css_class,
                  coordinate(left), coordinate(top), coordinate(x(xs.high) - left), coordinate(y(ys.low) - top),
                  tooltip_element(tooltip)));
}

void Plot::marker(double x_value, double y_value, const Stroke& stroke, std::string_view tooltip) {
  if (visible(x_value, y_value)) raw(marker_shape(x(x_value), y(y_value), stroke, tooltip));
}

void Plot::vertical(double x_value, std::string_view label, std::size_t row) {
  if (!visible(x_value, 0) || x_value < x_range_.low || x_value > x_range_.high) return;
  const double at = x(x_value);
  const bool left = at > (box_.left + box_.right) / 2;
  raw(fmt::format("<path class=\"mark\" d=\"M{} {}V{}\"/>", coordinate(at), coordinate(box_.top),
                  coordinate(box_.bottom)));
  raw(fmt::format("<text class=\"word halo\" x=\"{}\" y=\"{}\" text-anchor=\"{}\">{}</text>",
                  coordinate(left ? at - 6 : at + 6), coordinate(box_.top + 12 + 14 * static_cast<double>(row)),
                  left ? "end" : "start", escape(label)));
}

void Plot::text(double x_value, double y_value, std::string_view text, std::string_view anchor, double dx, double dy,
                std::string_view css_class) {
  if (!visible(x_value, y_value)) return;
  raw(fmt::format("<text class=\"{}\" x=\"{}\" y=\"{}\" text-anchor=\"{}\">{}</text>", css_class,
                  coordinate(x(x_value) + dx), coordinate(y(y_value) + dy), anchor, escape(text)));
}

void Plot::label(std::array<double, 2> place, std::string_view text, std::string_view css_class) {
  raw(fmt::format("<text class=\"{}\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>", css_class,
                  coordinate(place[0]), coordinate(place[1]), escape(text)));
}

std::string open_svg(const Sheet& sheet) {
  return fmt::format(
      "<svg class=\"chart\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" role=\"img\" "
      "aria-labelledby=\"{2}-t {2}-d\"><title id=\"{2}-t\">{3}</title><desc id=\"{2}-d\">{4}</desc>",
      coordinate(sheet.width), coordinate(sheet.height), escape(sheet.id), escape(sheet.title),
      escape(sheet.description));
}

std::string marker_shape(double x, double y, const Stroke& stroke, std::string_view tooltip) {
  const std::string title = tooltip_element(tooltip);
  const std::size_t color = stroke.color % 10;
  const auto path = [&](std::string_view d) {
    return fmt::format("<path class=\"dot f{}\" d=\"M{} {}{}\">{}</path>", color, coordinate(x), coordinate(y), d,
                       title);
  };
  switch (stroke.marker) {
    case Marker::none:
      return {};
    case Marker::circle:
      return fmt::format("<circle class=\"dot f{}\" cx=\"{}\" cy=\"{}\" r=\"3.5\">{}</circle>", color, coordinate(x),
                         coordinate(y), title);
    case Marker::square:
      return path("m-3.2 -3.2h6.4v6.4h-6.4z");
    case Marker::triangle:
      return path("m0 -4.4l4.2 7.4h-8.4z");
    case Marker::diamond:
      return path("m0 -4.6l4.6 4.6l-4.6 4.6l-4.6 -4.6z");
  }
  return {};
}

std::string placed(std::string_view svg, double x, double y, double width, double height) {
  constexpr std::string_view kOpening = "<svg ";
  return fmt::format("<svg x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" {}", coordinate(x), coordinate(y),
                     coordinate(width), coordinate(height), svg.substr(svg.find(kOpening) + kOpening.size()));
}

}  // namespace tempera::cli::report
