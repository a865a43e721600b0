// Runs of configs/smoke.json: 900 training, 100 validation and 200 test digits made by the program, 784-32-10, two epochs.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "process.hpp"

namespace program {

/// `run configs/smoke.json --out <out>` and `more`.
[[nodiscard]] std::vector<std::string> smoke(const std::filesystem::path& out,
                                             const std::vector<std::string>& more = {});
/// Folder of a smoke run that was finished without any option but --out. Made once; not to be changed.
[[nodiscard]] const std::filesystem::path& finished_smoke();
/// The same of configs/smoke-quant.json, which ends with a program of integers.
[[nodiscard]] const std::filesystem::path& finished_smoke_quant();
/// What the program prints with --json. Requires that it succeeds.
[[nodiscard]] nlohmann::json result(std::vector<std::string> arguments);
[[nodiscard]] nlohmann::json json_in(const std::filesystem::path& file);
/// The lines of metrics.jsonl without the times.
[[nodiscard]] std::vector<nlohmann::json> metrics_without_times(const std::filesystem::path& run);
/// Writes a file and gives its path.
std::filesystem::path write(const std::filesystem::path& file, const std::string& text);
[[nodiscard]] inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace program
