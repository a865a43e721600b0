// The files of a run folder as text, from and to the structs of run_data.hpp. Keys a reader does not know are ignored; those
// that its writer always writes must be there. Every reader throws core::DataError naming `file`, the JSON pointer (of what
// is not JSON, line and column), what was expected and what came.
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
/// A last line without its newline that is not JSON is what a crash leaves: with `cut` it is left out, and `*cut` says so.
[[nodiscard]] std::vector<EpochMetrics> parse_metrics(std::string_view text, const std::string& file,
                                                      std::string* cut = nullptr);

[[nodiscard]] std::string evaluation_text(const Evaluation& evaluation);
[[nodiscard]] Evaluation parse_evaluation(std::string_view text, const std::string& file);

[[nodiscard]] std::string temperature_text(const TemperatureStudy& study);
[[nodiscard]] TemperatureStudy parse_temperature(std::string_view text, const std::string& file);

[[nodiscard]] std::string quantization_text(const Quantization& quantization);
[[nodiscard]] Quantization parse_quantization(std::string_view text, const std::string& file);

/// A JSON object with the "format" of run folders flattened to ("a.b", "value") in the order of its keys.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> parse_provenance(std::string_view text,
                                                                                const std::string& file);

/// Reads the run folder. summary.json must be there; every other file may be missing. Warns on stderr of a line of
/// metrics.jsonl that was cut off.
/// @throws core::FileError if the folder or summary.json cannot be read, core::DataError if a file is damaged.
[[nodiscard]] RunData load_run(const std::filesystem::path& folder);

}  // namespace tempera::cli::report
