#include "tempera/apps/experiment/study_markdown.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "tempera/apps/report/run_data.hpp"
#include "tempera/apps/report/study_facts.hpp"

namespace tempera::cli {
namespace {

using nlohmann::ordered_json;

// In points, without the sign of what rounds to 0.
double points(double share) { return std::abs(100 * share) < 0.005 ? 0.0 : 100 * share; }

std::string interval_text(const ordered_json& mean, const char* none) {
  const ordered_json& interval = mean.at("interval");
  if (interval.is_null()) return none;
  return fmt::format("{:+.2f} … {:+.2f}", points(interval[0].get<double>()), points(interval[1].get<double>()));
}

// Of a cell, or of a difference between two.
std::string lost_text(const ordered_json& entry, const char* no_interval) {
  if (!entry.contains("lost_to_float")) return "—";
  const ordered_json& lost = entry.at("lost_to_float");
  return fmt::format("{:+.2f} ({})", points(lost.at("mean").get<double>()), interval_text(lost, no_interval));
}

std::string settings_text(const ordered_json& settings) {
  std::string text;
  for (const auto& [path, value] : settings.items()) {
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", path, report::value_text(value));
  }
  return text.empty() ? "—" : text;
}

std::string mean_text(const ordered_json& accuracy, const char* mode) {
  return accuracy.contains(mode) ? fmt::format("{:.2f}", 100 * accuracy.at(mode).at("mean").get<double>()) : "—";
}

// Of the columns in floats, the one of weights as calibrated is there only where calibration changed some.
std::string cells_markdown(const ordered_json& cells) {
  const auto changed = [](const ordered_json& cell) {
    return cell.at("accuracy").contains(report::kBeforeCalibration);
  };
  const bool calibrated = std::ranges::any_of(cells, changed);
  const report::FloatWeights weights = report::float_weights(cells);
  std::string text = fmt::format(
      "| setting | runs | arithmetic | accuracy % | 95 % interval | {} % |{} {}, points | program, "
      "bytes of the file |\n|---|---|---|---|---|---|{}---|---|\n",
      report::mode_name("float", weights),
      calibrated ? " " + report::mode_name("float", report::FloatWeights::kCalibrated) + " % |" : "",
      report::lost_name(report::any_rounded(cells)), calibrated ? "---|" : "");
  for (const ordered_json& cell : cells) {
    const std::string mode = cell.at("mode");
    const ordered_json& accuracy = cell.at("accuracy");
    const ordered_json& mean = accuracy.at(mode);
    const ordered_json& interval = mean.at("interval");
    text += fmt::format("| {} | {} | {} | {:.2f} | {} | {} |{} {} | {} |\n", settings_text(cell.at("settings")),
                        mean.at("n").get<int>(), mode, 100 * mean.at("mean").get<double>(),
                        interval.is_null() ? std::string("—")
                                           : fmt::format("{:.2f} … {:.2f}", points(interval[0].get<double>()),
                                                         points(interval[1].get<double>())),
                        mean_text(accuracy, changed(cell) ? report::kBeforeCalibration : "float"),
                        calibrated ? fmt::format(" {} |", changed(cell) ? mean_text(accuracy, "float") : "—") : "",
                        lost_text(cell, "one run"),
                        cell.contains("program_bytes") ? fmt::format("{:.0f}", cell.at("program_bytes").get<double>())
                                                       : std::string("—"));
  }
  return text;
}

// The column of what was lost to floats is there only where runs lost something.
std::string differences_markdown(const ordered_json& differences, bool rounded) {
  const bool lost =
      std::ranges::any_of(differences, [](const ordered_json& one) { return one.contains("lost_to_float"); });
  std::string text = fmt::format(
      "| path | first | second | all else | pairs | second − first, points | 95 % interval |{}\n"
      "|---|---|---|---|---|---|---|{}\n",
      lost ? fmt::format(" {}, second − first |", report::lost_name(rounded)) : "", lost ? "---|" : "");
  for (const ordered_json& difference : differences) {
    const ordered_json& mean = difference.at("accuracy");
    text += fmt::format("| {} | {} | {} | {} | {} | {:+.2f} | {} |{}\n", report::value_text(difference.at("path")),
                        report::value_text(difference.at("first")), report::value_text(difference.at("second")),
                        settings_text(difference.at("settings")), mean.at("n").get<int>(),
                        points(mean.at("mean").get<double>()), interval_text(mean, "—"),
                        lost ? fmt::format(" {} |", lost_text(difference, "one pair")) : "");
  }
  return text;
}

// Each path with what it is given, by their labels where they have some.
std::string varied(const ordered_json& vary) {
  std::vector<std::string> paths;
  for (const auto& [path, values] : vary.items()) {
    std::vector<std::string> names;
    for (const ordered_json& value : values) {
      names.push_back(report::value_text(value.is_object() && value.contains("label") ? value.at("label") : value));
    }
    paths.push_back(fmt::format("{} ({})", path, fmt::join(names, ", ")));
  }
  return fmt::format("{}", fmt::join(paths, " × "));
}

}  // namespace

std::string study_markdown(const ordered_json& study, const nlohmann::json& provenance, const std::string& command) {
  const ordered_json& statistics = study.at("statistics");
  std::string text = fmt::format("# {}\n\n{}. Written by the program: `{}`.\n\n", report::value_text(study.at("name")),
                                 report::progress_of(study).text(), command);
  for (const char* fact : report::kMadeBy) {
    if (provenance.contains(fact)) text += fmt::format("- {}: {}\n", fact, report::value_text(provenance.at(fact)));
  }
  for (const std::string& data : report::data_of(study)) text += fmt::format("- data: {}\n", data);
  text += fmt::format("- varied: {}; paired by {}\n", varied(study.at("vary")),
                      study.at("pair_by").is_null() ? "nothing" : study.at("pair_by").get<std::string>());
  for (const std::string& failure : report::failures_of(study)) text += fmt::format("- failed: {}\n", failure);
  text += "\n";
  text += "Means over runs with 95 % intervals by Student's t.";
  if (const std::string floats = report::float_note(statistics.at("cells")); !floats.empty()) text += " " + floats;
  text += "\n\n";
  text += study_tables(statistics);
  return text;
}

std::string study_tables(const ordered_json& statistics) {
  std::string text = cells_markdown(statistics.at("cells"));
  if (!statistics.at("differences").empty()) {
    text += "\n## Paired differences\n\n" +
            differences_markdown(statistics.at("differences"), report::any_rounded(statistics.at("cells")));
  }
  return text;
}

}  // namespace tempera::cli
