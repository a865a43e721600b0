// The files of a run folder as text, from and to the structs of run_data.hpp. Keys a reader does not know are ignored;
// a missing optional key leaves the default. Every reader throws core::DataError naming `file`, the JSON pointer where
// one can be given, what was expected and what came.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "tempera/apps/report/run_data.hpp"

namespace tempera::cli::report {

[[nodiscard]] std::string summary_text(const Summary& summary);
[[nodiscard]] Summary parse_summary(std::string_view text, const std::string& file);

/// One line of metrics.jsonl, with its newline.
[[nodiscard]] std::string metrics_line(const EpochMetrics& metrics);
[[nodiscard]] std::vector<EpochMetrics> parse_metrics(std::string_view text, const std::string& file);

[[nodiscard]] std::string evaluation_text(const Evaluation& evaluation);
[[nodiscard]] Evaluation parse_evaluation(std::string_view text, const std::string& file);

[[nodiscard]] std::string temperature_text(const TemperatureStudy& study);
[[nodiscard]] TemperatureStudy parse_temperature(std::string_view text, const std::string& file);

[[nodiscard]] std::string quantization_text(const Quantization& quantization);
[[nodiscard]] Quantization parse_quantization(std::string_view text, const std::string& file);

/// Any JSON object flattened to ("a.b", "value") in the order of its keys.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> parse_provenance(std::string_view text,
                                                                                const std::string& file);

/// Reads the run folder. summary.json must be there; every other file may be missing.
/// @throws core::FileError if the folder or summary.json cannot be read, core::DataError if a file is damaged.
[[nodiscard]] RunData load_run(const std::filesystem::path& folder);

}  // namespace tempera::cli::report
