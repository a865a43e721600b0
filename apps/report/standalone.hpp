// What pictures that stand alone have around their charts: the sheet of an SVG document, light and dark, with its heading.
#pragma once

#include <string>
#include <string_view>

#include "tempera/apps/report/chart/plot.hpp"

namespace tempera::cli::report {

inline constexpr double kSheetPadding = 28;  ///< user units, at the edges
inline constexpr double kSheetHead = 96;     ///< where what is below the heading begins

/// Text (plain) at a place of the sheet, in user units.
[[nodiscard]] std::string words(double x, double y, std::string_view css_class, std::string_view text);

/// The opened document: styles, paper, the sheet's title as a heading, `lead` (plain) in smaller letters below it. To be closed by
/// </svg>.
[[nodiscard]] std::string open_standalone(const Sheet& sheet, std::string_view lead);

}  // namespace tempera::cli::report
