#include "tempera/apps/report/study_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "tempera/apps/report/chart/dot_chart.hpp"
#include "tempera/apps/report/html.hpp"
#include "tempera/apps/report/page.hpp"
#include "tempera/apps/report/run_data.hpp"
#include "tempera/apps/report/size_charts.hpp"
#include "tempera/apps/report/study_facts.hpp"
#include "tempera/apps/report/text.hpp"

namespace tempera::cli::report {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

std::string interval_of(const ordered_json& mean) {
  const ordered_json& interval = mean.at("interval");
  if (interval.is_null()) return "–";
  return fmt::format("{} … {}", percent(interval[0].get<double>()), percent(interval[1].get<double>()));
}

// A group of dots with the mean of them and its interval.
DotGroup group_of(const std::string& name, const ordered_json& mean, std::vector<double> values, std::size_t color) {
  DotGroup group{.name = name, .values = std::move(values), .mean = mean.at("mean"), .color = color};
  if (!mean.at("interval").is_null()) {
    group.low = mean.at("interval")[0];
    group.high = mean.at("interval")[1];
  }
  return group;
}

// What is compared within pairs.
struct PairedMeasure {
  const char* key;
  const char* axis;
  double limit;  // no difference is larger
};
constexpr PairedMeasure kPairedAccuracy{"accuracy", "second − first, share of test images", 1};
constexpr PairedMeasure kPairedLoss{"lost_to_float", "lost by second − lost by first, share of test images", 2};

std::string difference_mean(const ordered_json& difference, const PairedMeasure& measure) {
  return difference.contains(measure.key) ? percent(difference.at(measure.key).at("mean").get<double>())
                                          : std::string("–");
}

std::string mean_text(const ordered_json& cell, const char* mode) {
  const ordered_json& accuracy = cell.at("accuracy");
  return accuracy.contains(mode) ? percent(accuracy.at(mode).at("mean").get<double>()) : std::string("–");
}

// The column of what was lost to floats is there only where runs lost something.
Table cells_table(const ordered_json& cells) {
  const bool lost = std::ranges::any_of(cells, [](const ordered_json& cell) { return cell.contains(kPairedLoss.key); });
  Table table{"means over runs with their 95 % intervals",
              {"setting", "arithmetic", "runs", "accuracy", "95 % interval", "bytes shipped"},
              {},
              2};
  if (lost) {
    table.header.push_back(mode_name("float", float_weights(cells)));
    table.header.emplace_back(lost_name(any_rounded(cells)));
  }
  for (const ordered_json& cell : cells) {
    const std::string mode = cell.at("mode");
    const ordered_json& mean = cell.at("accuracy").at(mode);
    const bool calibrated = cell.at("accuracy").contains(kBeforeCalibration);
    const bool stored = cell.at("bytes").contains("stored");
    std::vector<std::string>& row = table.rows.emplace_back(std::vector<std::string>{
        settings_text(cell.at("settings")), mode_name(mode, FloatWeights::kMixed),
        std::to_string(mean.at("n").get<int>()), mean_text(cell, mode.c_str()), interval_of(mean),
        stored ? grouped(std::llround(cell.at("bytes").at("stored").at("mean").get<double>())) : "–"});
    if (!lost) continue;
    row.push_back(mean_text(cell, calibrated ? kBeforeCalibration : "float"));
    row.push_back(difference_mean(cell, kPairedLoss));
  }
  return table;
}

std::string cells_chart(const ordered_json& cells) {
  DotChart chart;
  chart.sheet = {.id = "study-cells", .title = "Test accuracy, every run a dot", .height = 0};
  chart.x = {.label = "test accuracy", .format = TickFormat::percent, .grid = true};
  chart.limits = Range{.low = 0, .high = 1};
  for (const ordered_json& cell : cells) {
    const ordered_json& mean = cell.at("accuracy").at(cell.at("mode").get<std::string>());
    const std::string name = settings_text(cell.at("settings"));
    chart.groups.push_back(group_of(name, mean, mean.at("values").get<std::vector<double>>(), 0));
    chart.sheet.description += fmt::format("{}: {}. ", name, percent(mean.at("mean").get<double>()));
  }
  if (chart.groups.empty()) return {};
  return "<div class=\"one\">" + figure(chart.sheet.title, draw(chart)) + "</div>" + numbers(cells_table(cells)) +
         note(
             "Bars are 95 % intervals of the mean by Student's t; a single run has none. One that goes on beyond the "
             "axis ends in an arrow; tempera compare prints where it ends.");
}

std::string differences_chart(const ordered_json& differences, const std::string& path, std::size_t number,
                              const PairedMeasure& measure, bool rounded) {
  const std::string of = &measure == &kPairedLoss ? fmt::format("of what was {}, ", lost_name(rounded)) : std::string();
  DotChart chart;
  chart.sheet = {.id = fmt::format("study-differences-{}-{}", measure.key, number),
                 .title = fmt::format("Paired differences {}by {}", of, path),
                 .height = 0};
  chart.x = {.label = measure.axis, .format = TickFormat::percent, .grid = true};
  chart.limits = Range{.low = -measure.limit, .high = measure.limit};
  for (const ordered_json& difference : differences) {
    if (difference.at("path") != path || !difference.contains(measure.key)) continue;
    const ordered_json& mean = difference.at(measure.key);
    std::string name = fmt::format("{} − {}", value_text(difference.at("second")), value_text(difference.at("first")));
    if (!difference.at("settings").empty()) name += ": " + settings_text(difference.at("settings"));
    chart.groups.push_back(group_of(name, mean, {}, number));
    chart.sheet.description += fmt::format("{}: {}. ", name, percent(mean.at("mean").get<double>()));
  }
  return "<div class=\"one\">" + figure(chart.sheet.title, draw(chart)) + "</div>";
}

// Where both runs of each pair have the same floats, what was lost is the mirror image of accuracy, and a picture of it says
// nothing new.
bool lost_says_more(const ordered_json& differences, const std::string& path) {
  constexpr double kRounding = 1e-9;
  return std::ranges::any_of(differences, [&](const ordered_json& difference) {
    if (difference.at("path") != path || !difference.contains(kPairedLoss.key)) return false;
    const double sum = difference.at(kPairedLoss.key).at("mean").get<double>() +
                       difference.at(kPairedAccuracy.key).at("mean").get<double>();
    return std::abs(sum) > kRounding;
  });
}

std::string difference_interval(const ordered_json& difference, const PairedMeasure& measure) {
  return difference.contains(measure.key) ? interval_of(difference.at(measure.key)) : std::string("–");
}

Table differences_table(const ordered_json& differences, bool rounded) {
  const bool lost =
      std::ranges::any_of(differences, [](const ordered_json& one) { return one.contains(kPairedLoss.key); });
  Table table{
      "paired differences", {"path", "first", "second", "all else", "pairs", "accuracy", "95 % interval"}, {}, 4};
  if (lost) table.header.insert(table.header.end(), {lost_name(rounded), "95 % interval"});
  for (const ordered_json& difference : differences) {
    std::vector<std::string>& row = table.rows.emplace_back(
        std::vector<std::string>{value_text(difference.at("path")), value_text(difference.at("first")),
                                 value_text(difference.at("second")), settings_text(difference.at("settings")),
                                 fmt::format("{}", difference.at("accuracy").at("n").get<std::int64_t>())});
    row.insert(row.end(),
               {difference_mean(difference, kPairedAccuracy), difference_interval(difference, kPairedAccuracy)});
    if (!lost) continue;
    row.insert(row.end(), {difference_mean(difference, kPairedLoss), difference_interval(difference, kPairedLoss)});
  }
  return table;
}

std::string all_differences(const ordered_json& differences, bool rounded) {
  if (differences.empty()) return {};
  std::vector<std::string> paths;
  for (const ordered_json& difference : differences) {
    const std::string path = difference.at("path");
    if (std::ranges::find(paths, path) == paths.end()) paths.push_back(path);
  }
  std::string markup;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    markup += differences_chart(differences, paths[i], i, kPairedAccuracy, rounded);
    if (lost_says_more(differences, paths[i]))
      markup += differences_chart(differences, paths[i], i, kPairedLoss, rounded);
  }
  return markup + numbers(differences_table(differences, rounded));
}

std::string accuracy_text(const ordered_json& results, const char* mode) {
  // Null where it is not finite.
  const bool known = results.contains(mode) && results.at(mode).at("accuracy").is_number();
  return known ? percent(results.at(mode).at("accuracy").get<double>()) : std::string("–");
}

std::string runs_table(const ordered_json& study) {
  const ordered_json& runs = study.at("runs");
  const auto changed = [](const ordered_json& run) { return run.at("results").contains(kBeforeCalibration); };
  const bool calibrated = std::ranges::any_of(runs, changed);
  Table table{"all runs",
              {"run", "varied", "status", mode_name("float", float_weights(study.at("statistics").at("cells")))},
              {},
              3};
  if (calibrated) table.header.push_back(mode_name("float", FloatWeights::kCalibrated));
  for (const char* mode : {"fake_quant", "integer"}) table.header.push_back(mode_name(mode, FloatWeights::kMixed));
  for (const ordered_json& run : runs) {
    const ordered_json& results = run.at("results");
    std::vector<std::string>& row = table.rows.emplace_back(
        std::vector<std::string>{run.at("folder"), settings_text(run.at("overrides")), run.at("status"),
                                 accuracy_text(results, changed(run) ? kBeforeCalibration : "float")});
    if (calibrated) row.push_back(changed(run) ? accuracy_text(results, "float") : "–");
    for (const char* mode : {"fake_quant", "integer"}) row.push_back(accuracy_text(results, mode));
  }
  const std::string floats = float_note(study.at("statistics").at("cells"));
  std::string markup = render(table) + (floats.empty() ? std::string() : note(floats));
  for (const std::string& failure : failures_of(study)) markup += note("Failed: " + failure);
  return markup;
}

std::string facts_of(const ordered_json& study) {
  const Progress progress = progress_of(study);
  return fmt::format("<span class=\"badge{}\">{}</span>{}", progress.done == progress.runs ? "" : " bad",
                     escape(progress.text()), escape(fmt::format("{}", fmt::join(data_of(study), "; "))));
}

std::string made_table(const ordered_json& study, const json& provenance) {
  Table table{"what the study was made by", {"fact", "value"}, {}, 2};
  if (study.contains("command")) {
    const std::string out = study.value("out", std::string());
    table.rows.push_back({"command", study.at("command").get<std::string>() + (out.empty() ? "" : " --out " + out)});
  }
  for (const char* fact : kMadeBy) {
    if (provenance.contains(fact)) table.rows.push_back({fact, value_text(provenance.at(fact))});
  }
  return table.rows.empty() ? std::string() : render(table);
}

}  // namespace

std::string render_study(const ordered_json& study, const json& provenance) {
  const ordered_json& statistics = study.at("statistics");
  const ordered_json& cells = statistics.at("cells");
  Page page;
  page.title = study.at("name");
  page.kicker = "study";
  page.facts_markup = facts_of(study);
  page.sections = {
      {"cells", "Results", cells_chart(cells)},
      {"size", "Accuracy against size", size_charts(cells)},
      {"differences", "Paired differences", all_differences(statistics.at("differences"), any_rounded(cells))},
      {"runs", "Runs", runs_table(study)},
      {"provenance", "How it was made", made_table(study, provenance)}};
  return render(page);
}

}  // namespace tempera::cli::report
