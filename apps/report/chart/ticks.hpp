// Where an axis has its ticks, and what they say.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace tempera::cli::report {

enum class ScaleKind { linear, log };
enum class TickFormat { plain, percent, bytes };

/// Closed interval of data values, low < high once it went through a function of this file.
struct Range {
  double low = 0;
  double high = 1;
};

/// The range of the finite values of `values` (positive ones only for a log scale). Nothing finite: [0, 1], or [1, 10]
/// for a log scale. A single value gets room around it, so that low < high always holds.
[[nodiscard]] Range range_of(const std::vector<double>& values, ScaleKind kind);

/// How far an axis follows the intervals around `dots`: one span of the dots beyond them, but not beyond `limits`. Two runs have
/// intervals of a dozen times their distance; an axis that held them would show nothing else. Dots in one place: `limits`.
[[nodiscard]] Range room_around(const std::vector<double>& dots, Range limits);

/// Adds the ends of intervals to the values that an axis is to show: as far as there is room around those, if values can lie
/// between `limits` alone.
void add_ends(std::vector<double>& shown, const std::vector<double>& ends, const std::optional<Range>& limits);

/// The step from {1, 2, 5}·10^k that cuts `range` into at most `target` pieces.
[[nodiscard]] double nice_step(Range range, int target);

/// `range` widened to whole steps (linear) or to neighbours in {1, 2, 5}·10^k (log).
[[nodiscard]] Range nice_range(Range range, ScaleKind kind, int target);

/// The ticks inside `range`. Linear: multiples of nice_step. Log: {1, 2, 5}·10^k below two decades, else powers of ten,
/// thinned to at most `target` + 1.
[[nodiscard]] std::vector<double> ticks(Range range, ScaleKind kind, int target);

/// Labels with just enough decimals for the step: 0.2 → "0.2"; on log axes far from one "10⁻⁶".
[[nodiscard]] std::vector<std::string> tick_labels(const std::vector<double>& ticks, ScaleKind kind, TickFormat format);

}  // namespace tempera::cli::report
