// A run folder read into one RunData.
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "tempera/apps/report/json_node.hpp"
#include "tempera/apps/report/run_files.hpp"
#include "tempera/core/errors.hpp"

namespace tempera::cli::report {
namespace {

namespace fs = std::filesystem;
using Entries = std::vector<std::pair<std::string, std::string>>;

std::optional<std::string> contents(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error)) return std::nullopt;
  std::ifstream in(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!in.is_open() || in.bad() || fs::is_directory(path, error)) {
    throw core::FileError(path.string(), fmt::format("cannot be read ({})", std::strerror(errno)));
  }
  return text;
}

void flatten(const nlohmann::ordered_json& value, const std::string& prefix, Entries& out) {
  if (value.is_structured() && !value.empty()) {
    for (const auto& [key, item] : value.items()) flatten(item, prefix.empty() ? key : prefix + "." + key, out);
    return;
  }
  out.emplace_back(prefix, value.is_string()
                               ? value.get<std::string>()
                               : value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

std::string folder_name(const fs::path& folder) {
  const fs::path normal = folder.lexically_normal();
  return (normal.has_filename() ? normal.filename() : normal.parent_path().filename()).string();
}

}  // namespace

Entries parse_provenance(std::string_view text, const std::string& file) {
  // Checked by parse_json for a typed error; read again to keep the order of the keys.
  const nlohmann::json checked = parse_json(text, file);
  if (!checked.is_object()) JsonNode(checked, file).fail("an object");
  Entries out;
  flatten(nlohmann::ordered_json::parse(text), {}, out);
  return out;
}

RunData load_run(const fs::path& folder) {
  const auto path = [&](const char* name) { return (folder / name).string(); };
  RunData run;
  run.folder = folder_name(folder);
  const std::optional<std::string> summary = contents(path("summary.json"));
  if (!summary) {
    throw core::FileError(path("summary.json"),
                          "missing: a run folder needs it (did the run get as far as its first checkpoint?)");
  }
  run.summary = parse_summary(*summary, path("summary.json"));
  if (const auto text = contents(path("metrics.jsonl"))) run.epochs = parse_metrics(*text, path("metrics.jsonl"));
  if (const auto text = contents(path("evaluation.json"))) {
    run.evaluation = parse_evaluation(*text, path("evaluation.json"));
  }
  if (const auto text = contents(path("temperature.json"))) {
    run.temperature = parse_temperature(*text, path("temperature.json"));
  }
  if (const auto text = contents(path("provenance.json"))) {
    run.provenance = parse_provenance(*text, path("provenance.json"));
  }
  run.config_input = contents(path("config.input.json")).value_or("");
  run.config_resolved = contents(path("config.resolved.json")).value_or("");
  return run;
}

}  // namespace tempera::cli::report
