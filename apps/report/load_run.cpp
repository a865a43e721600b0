// A run folder read into one RunData.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tempera/apps/report/json_node.hpp"
#include "tempera/apps/report/run_files.hpp"
#include "tempera/apps/terminal.hpp"
#include "tempera/apps/text_file.hpp"
#include "tempera/core/config/parse.hpp"
#include "tempera/core/errors.hpp"

namespace tempera::cli::report {
namespace {

namespace fs = std::filesystem;
using Entries = std::vector<std::pair<std::string, std::string>>;

void flatten(const nlohmann::ordered_json& value, const std::string& prefix, Entries& out) {
  if (value.is_structured() && !value.empty()) {
    for (const auto& [key, item] : value.items())
      flatten(item, prefix.empty() ? key : fmt::format("{}.{}", prefix, key), out);
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

// Shown as it is, so it is only held to be a config at all: comments and all, but an object.
std::string config_in(const std::string& file, bool resolved) {
  std::optional<std::string> text = read_text_if_there(file);
  if (!text) return {};
  std::vector<core::ConfigIssue> issues;
  const std::optional<core::ConfigValue> config = core::parse_config(*text, file, issues);
  if (!issues.empty()) {
    const core::ConfigIssue& first = issues.front();
    throw core::DataError(fmt::format("{}:{}", file, first.line),
                          first.pointer.empty() ? first.message : first.pointer + ": " + first.message);
  }
  if (!config || !config->is(core::ConfigValue::Kind::kObject)) {
    throw core::DataError(file, "/: expected an object, got " + (config ? describe(*config) : "nothing"));
  }
  if (resolved && config->find("name") == nullptr) {
    throw core::DataError(file, "/: expected an object with the key \"name\", as every resolved config has");
  }
  return *std::move(text);
}

}  // namespace

Entries parse_provenance(std::string_view text, const std::string& file) {
  // Checked by parse_json for a typed error; read again to keep the order of the keys.
  const nlohmann::json checked = parse_json(text, file);
  JsonNode(checked, file).expect_format();
  Entries out;
  flatten(nlohmann::ordered_json::parse(text), {}, out);
  return out;
}

RunData load_run(const fs::path& folder) {
  const auto path = [&](const char* name) { return (folder / name).string(); };
  RunData run;
  run.folder = folder_name(folder);
  const std::optional<std::string> summary = read_text_if_there(path("summary.json"));
  if (!summary) {
    throw core::FileError(path("summary.json"),
                          "missing: a run folder needs it (did the run get as far as its first checkpoint?)");
  }
  run.summary = parse_summary(*summary, path("summary.json"));
  if (const auto text = read_text_if_there(path("metrics.jsonl"))) {
    std::string cut;
    run.epochs = parse_metrics(*text, path("metrics.jsonl"), &cut);
    if (!cut.empty()) warn(cut);
  }
  if (const auto text = read_text_if_there(path("evaluation.json"))) {
    run.evaluation = parse_evaluation(*text, path("evaluation.json"));
  }
  if (const auto text = read_text_if_there(path("quantization.json"))) {
    run.quantization = parse_quantization(*text, path("quantization.json"));
  }
  if (const auto text = read_text_if_there(path("temperature.json"))) {
    run.temperature = parse_temperature(*text, path("temperature.json"));
  }
  if (const auto text = read_text_if_there(path("provenance.json"))) {
    run.provenance = parse_provenance(*text, path("provenance.json"));
  }
  run.config_input = config_in(path("config.input.json"), false);
  run.config_resolved = config_in(path("config.resolved.json"), true);
  return run;
}

}  // namespace tempera::cli::report
