#include "tempera/apps/experiment/study_file.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "tempera/apps/experiment/study_statistics.hpp"
#include "tempera/apps/report/json_node.hpp"
#include "tempera/apps/text_file.hpp"

namespace tempera::cli {
namespace {

using report::JsonNode;
using Paths = std::set<std::string>;

Paths paths_of(const JsonNode& object) {
  Paths paths;
  for (const auto& [path, value] : object.members()) paths.insert(path);
  return paths;
}

void check_results(const JsonNode& results, bool completed) {
  if (completed) static_cast<void>(results.at("float"));
  for (const auto& [mode, scores] : results.members()) {
    static_cast<void>(scores.at("accuracy").number());
    for (const char* metric : {"errors", "nll"}) {
      if (scores.has(metric)) static_cast<void>(scores.at(metric).number());
    }
  }
}

void check_run(const JsonNode& run, const Paths& varied) {
  static_cast<void>(run.at("folder").text());
  if (paths_of(run.at("overrides")) != varied) run.at("overrides").fail("a value for each path of \"vary\"");
  check_results(run.at("results"), run.at("status").text() == "completed");
  for (const auto& [kind, count] : run.at("bytes").members()) static_cast<void>(count.integer());
  if (run.has("rounded")) static_cast<void>(run.at("rounded").boolean());
  if (run.has("data")) {
    static_cast<void>(run.at("data").at("used").text());
    for (const char* split : {"train", "validation", "test"}) static_cast<void>(run.at("data").at(split).integer());
  }
  if (!run.has("bits")) return;  // as in the files of earlier versions
  for (const auto& [kind, count] : run.at("bits").members()) static_cast<void>(count.number());
}

void check_study(const JsonNode& study) {
  study.expect_format();
  static_cast<void>(study.at("name").text());
  const Paths varied = paths_of(study.at("vary"));
  if (const JsonNode pair_by = study.member("pair_by"); !pair_by.json().is_null() && !varied.contains(pair_by.text())) {
    pair_by.fail("one of the paths of \"vary\", or null");
  }
  for (const char* optional : {"study", "command", "out"}) {
    if (study.has(optional)) static_cast<void>(study.at(optional).text());
  }
  static_cast<void>(study.at("statistics").members());  // made anew; but a file with something else there is damaged
  for (const JsonNode& run : study.at("runs").items()) check_run(run, varied);
}

}  // namespace

nlohmann::ordered_json parse_study(std::string_view text, const std::string& file) {
  // Checked by parse_json for a typed error; read again to keep the order of the keys.
  const nlohmann::json checked = report::parse_json(text, file);
  check_study(JsonNode(checked, file));
  auto study = nlohmann::ordered_json::parse(text);
  study["statistics"] = study_statistics(study);
  return study;
}

nlohmann::json made_by(const std::filesystem::path& folder, const nlohmann::ordered_json& study) {
  for (const nlohmann::ordered_json& run : study.at("runs")) {
    if (run.at("status") != "completed") continue;
    const std::filesystem::path file = folder / run.at("folder").get<std::string>() / "provenance.json";
    const std::optional<std::string> text = read_text_if_there(file);
    if (!text) continue;
    nlohmann::json facts = report::parse_json(*text, file.string());
    JsonNode(facts, file.string()).expect_format();
    return facts;
  }
  return nlohmann::json::object();
}

nlohmann::ordered_json read_study(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "study.json";
  return parse_study(read_text(file), file.string());
}

}  // namespace tempera::cli
