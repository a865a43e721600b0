// What a study says of accuracy against bits and against bytes.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tempera/apps/report/chart/trend_chart.hpp"

namespace tempera::cli::report {

/// What accuracy is shown against.
enum class Size { kBits, kBytes };

/// The cells of a study's statistics as lines over the mean bits of a weight, or over the bytes that are shipped. Cells
/// belong to one line if they differ only in the path that bits hang on most; names on that path that tell the number of bits
/// ("LSQ, 4 bits") are one line by the rest of the name. Weights in floats that several cells share, as those do that are
/// only calibrated, are a line of their own. Cells without the numbers (of older files) are left out.
[[nodiscard]] std::vector<Trend> size_trends(const nlohmann::ordered_json& cells, Size size);

/// Both charts, as the markup of a section; empty where all runs have the same bits.
[[nodiscard]] std::string size_charts(const nlohmann::ordered_json& cells);

/// "LSQ, 4 bits" of 4 bits → "LSQ"; a name that does not tell so many bits stays as it is.
[[nodiscard]] std::string without_bits(const std::string& name, double bits);

/// "way PTQ, network small": the last part of each path with its value.
[[nodiscard]] std::string settings_text(const nlohmann::ordered_json& settings);

}  // namespace tempera::cli::report
