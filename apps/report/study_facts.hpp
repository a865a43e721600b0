// What the page of a study and its tables say of all its runs together.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tempera/apps/report/run_data.hpp"

namespace tempera::cli::report {

/// The sets and numbers of images of its runs, each once: "mnist: 5 000 training, …". Runs that have not begun say nothing, and
/// those of files of earlier versions.
[[nodiscard]] std::vector<std::string> data_of(const nlohmann::ordered_json& study);

/// "3 of 4 runs completed".
struct Progress {
  std::ptrdiff_t done = 0, runs = 0;
  [[nodiscard]] std::string text() const;
};
[[nodiscard]] Progress progress_of(const nlohmann::ordered_json& study);

/// The facts of a provenance.json that are told, in this order.
inline constexpr const char* kMadeBy[] = {"tempera", "revision", "compiler", "processor", "level", "threads"};

/// Of every run that failed its folder and why: "0012-1a2b3c4d: relu \"act2\": …".
[[nodiscard]] std::vector<std::string> failures_of(const nlohmann::ordered_json& study);

/// A value as a reader knows it: text without its quotes, a type without other fields by its name, else as JSON has it.
[[nodiscard]] std::string value_text(const nlohmann::ordered_json& value);

/// Some cells are of runs that were trained rounded.
[[nodiscard]] bool any_rounded(const nlohmann::ordered_json& cells);
/// What the weights in floats of these cells are, before calibration changed any.
[[nodiscard]] FloatWeights float_weights(const nlohmann::ordered_json& cells);
/// What the columns in floats, and of what was lost, mean in tables of these cells; nothing where none is quantized.
[[nodiscard]] std::string float_note(const nlohmann::ordered_json& cells);

}  // namespace tempera::cli::report
