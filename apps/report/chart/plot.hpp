// The sheet charts are drawn on: an SVG with a frame, axes, grid, legend, and marks placed by data values.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tempera/apps/report/chart/ticks.hpp"

namespace tempera::cli::report {

inline constexpr double kFontSize = 12;  ///< user units; a chart 340 wide shown 290 pixels wide still reads

/// Estimated width of `text` in user units at kFontSize. No font is known here: the widest common sans-serif counts.
[[nodiscard]] double text_width(std::string_view text);
/// The front of `text` (UTF-8) that fits `width`, with an ellipsis where something was cut.
[[nodiscard]] std::string fitted(const std::string& text, double width);

/// One axis. Bounds that are not given come from the data, widened to whole ticks.
struct Axis {
  std::string label;
  ScaleKind kind = ScaleKind::linear;
  TickFormat format = TickFormat::plain;
  std::optional<double> min;
  std::optional<double> max;
  int target = 5;      ///< about how many ticks
  bool tight = false;  ///< bounds from the data are not widened to whole ticks
  bool whole = false;  ///< ticks at whole numbers only (epochs)
  bool grid = false;   ///< lines across the plot at the ticks; a y axis with numbers always has them
  double room = 0;     ///< of a y axis: user units left of the plot at least, for charts that stand below each other
  std::vector<double> at;  ///< ticks at these values, as far as they are within the bounds, instead of round ones
  std::vector<std::string> names;  ///< names of the positions 0, 1, 2 …, instead of numbers
};

/// What every chart has. Screen readers read the title and the description, which says in words what there is to see;
/// the title is also drawn if `show_title`.
struct Sheet {
  std::string id;  ///< unique in its document, [a-z0-9-]
  std::string title;
  std::string description;
  double width = 340;  ///< user units
  double height = 240;
  bool show_title = false;
};

enum class Marker { none, circle, square, triangle, diamond };

/// How a series is drawn. `color` counts into --s0 … --s9, cyclically.
struct Stroke {
  std::size_t color = 0;
  Marker marker = Marker::none;
  bool dashed = false;
  double width = 2;
};

struct LegendEntry {
  std::string name;
  Stroke stroke;
  bool filled = false;  ///< a swatch (bars) instead of a line
};

struct Box {
  double left = 0, top = 0, right = 0, bottom = 0;
};

/// Places data in pixels and collects the elements. Values that are not finite draw nothing; values outside of an axis
/// are drawn at its edge.
class Plot {
 public:
  /// `xs` and `ys` are all values to be shown: they decide bounds the axes leave open.
  Plot(Sheet sheet, Axis x, Axis y, const std::vector<double>& xs, const std::vector<double>& ys,
       std::vector<LegendEntry> legend = {});

  [[nodiscard]] double x(double value) const;  ///< pixel of a data value
  [[nodiscard]] double y(double value) const;
  [[nodiscard]] const Box& box() const { return box_; }
  [[nodiscard]] Range x_range() const { return x_range_; }
  [[nodiscard]] Range y_range() const { return y_range_; }

  /// A line through the points, broken where a value is missing; single points between gaps become markers.
  void line(std::span<const double> xs, std::span<const double> ys, const Stroke& stroke, std::string_view name);
  /// The area between `lows` and `highs`.
  void band(std::span<const double> xs, std::span<const double> lows, std::span<const double> highs, std::size_t color);
  /// A filled rectangle between data values, with a tooltip.
  void bar(Range xs, Range ys, std::string_view css_class, std::string_view tooltip);
  void marker(double x, double y, const Stroke& stroke, std::string_view tooltip);
  /// A vertical line over the whole height at `x`, with a word at its top, so many lines below the first.
  void vertical(double x, std::string_view label, std::size_t row = 0);
  /// Text at a data position; `anchor` is start, middle or end; dx and dy in user units. A halo keeps it legible on lines.
  void text(double x, double y, std::string_view text, std::string_view anchor, double dx, double dy,
            std::string_view css_class);
  /// Text centred on a place of the sheet, [x, y of its baseline] in user units.
  void label(std::array<double, 2> place, std::string_view text, std::string_view css_class);
  /// Any element, in user units.
  void raw(std::string_view svg) { body_ += svg; }

  /// The whole <svg> element.
  [[nodiscard]] std::string finish() const;

 private:
  [[nodiscard]] bool visible(double x, double y) const;
  [[nodiscard]] std::string axes() const;
  [[nodiscard]] std::string x_axis() const;
  [[nodiscard]] std::string legend() const;
  void lay_out();

  Sheet sheet_;
  Axis x_axis_;
  Axis y_axis_;
  std::vector<LegendEntry> legend_;
  Range x_range_;
  Range y_range_;
  std::vector<double> x_ticks_, y_ticks_;
  std::vector<std::string> x_labels_, y_labels_;
  Box box_;
  bool empty_ = false;
  std::string body_;
};

/// Opens an <svg> that screen readers announce with its title and description.
[[nodiscard]] std::string open_svg(const Sheet& sheet);
/// The element of a marker centred on (x, y), in user units; nothing for Marker::none.
[[nodiscard]] std::string marker_shape(double x, double y, const Stroke& stroke, std::string_view tooltip);
/// `svg` (a whole <svg> element) placed inside another one at (x, y) with the given size.
[[nodiscard]] std::string placed(std::string_view svg, double x, double y, double width, double height);

}  // namespace tempera::cli::report
