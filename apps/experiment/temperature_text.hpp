// The temperature study in a few lines, for the terminal.
#pragma once

#include <string>
#include <vector>

#include "tempera/apps/report/run_data.hpp"

namespace tempera::cli {

/// The sample's likeliest classes at a handful of the study's temperatures, and T*. `classes` may be empty (numbers).
[[nodiscard]] std::string temperature_text(const report::TemperatureStudy& study,
                                           const std::vector<std::string>& classes);

}  // namespace tempera::cli
