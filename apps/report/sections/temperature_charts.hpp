// The charts of the temperature figure, shared by the section and by the standalone picture.
#pragma once

#include <string>
#include <vector>

#include "tempera/apps/report/run_data.hpp"

namespace tempera::cli::report::sections {

/// Ten lines, one a class, over the temperatures; linear, or logarithmic where what one temperature hides is to be seen.
[[nodiscard]] std::string probability_lines(const RunData& run, bool logarithmic, double width, double height);

/// Bars of all classes at the temperature of row `index`.
[[nodiscard]] std::string probability_bars(const RunData& run, std::size_t index);
inline constexpr double kBarsWidth = 176;
inline constexpr double kBarsHeight = 150;

/// Rows of the study nearest to T = 1, 2, 4, 8, 20, 50, without repetition.
[[nodiscard]] std::vector<std::size_t> chosen_temperatures(const TemperatureStudy& study);

/// False where there is nothing to draw: no logits, no temperatures.
[[nodiscard]] bool has_curves(const RunData& run);

/// The study of a run that has_curves.
[[nodiscard]] const TemperatureStudy& study_of(const RunData& run);

}  // namespace tempera::cli::report::sections
