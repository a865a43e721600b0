#include "tempera/apps/experiment/study_statistics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "tempera/apps/report/run_data.hpp"

namespace tempera::cli {
namespace {

using nlohmann::ordered_json;

constexpr const char* kMetrics[] = {"accuracy", "errors", "nll"};
// Up to so many values of a path are compared each with each; more only with the first, or a table would be mostly pairs.
constexpr std::size_t kFewValues = 4;

// A completed run: what it varies, without and with the paired path.
struct Point {
  ordered_json settings;
  std::string pair;
  std::map<std::string, std::map<std::string, double>> scores;  // by metric, by mode
  std::map<std::string, double> bytes, bits;
  bool rounded = false;  // while it was trained
};

std::vector<Point> points_of(const ordered_json& study) {
  const std::string pair_by = study.at("pair_by").is_null() ? "" : study.at("pair_by").get<std::string>();
  std::vector<Point> points;
  for (const ordered_json& run : study.at("runs")) {
    if (run.at("status") != "completed") continue;
    Point point{.settings = ordered_json::object(), .pair = {}, .scores = {}, .bytes = {}, .bits = {}};
    for (const auto& [path, value] : run.at("overrides").items()) {
      if (path == pair_by) {
        point.pair = value.dump();
      } else {
        point.settings[path] = value;
      }
    }
    for (const auto& [mode, scores] : run.at("results").items()) {
      for (const char* metric : kMetrics) {
        // A number that is not finite is null in the file: a mean with it would be none.
        if (scores.contains(metric) && scores.at(metric).is_number()) point.scores[metric][mode] = scores.at(metric);
      }
    }
    for (const auto& [kind, count] : run.at("bytes").items()) point.bytes[kind] = count;
    if (run.contains("bits")) {
      for (const auto& [kind, count] : run.at("bits").items()) point.bits[kind] = count;
    }
    point.rounded = run.value("rounded", false);
    if (point.scores.contains("accuracy")) points.push_back(std::move(point));
  }
  return points;
}

ordered_json mean_json(const Mean& mean) {
  ordered_json out{{"n", mean.n}, {"mean", mean.mean}, {"deviation", mean.deviation}};
  out["interval"] = mean.interval ? ordered_json{mean.interval->low, mean.interval->high} : ordered_json(nullptr);
  return out;
}

// The arithmetic that a run was made for.
const char* shipped_mode(const Point& point) {
  const char* last = report::kModes[0];
  for (const char* mode : report::kModes) {
    if (point.scores.at("accuracy").contains(mode)) last = mode;
  }
  return last;
}

struct Cell {
  ordered_json settings;
  std::vector<const Point*> runs;
};
using Cells = std::vector<Cell>;

Cells cells_of(const std::vector<Point>& points) {
  Cells cells;
  for (const Point& point : points) {
    auto found = std::ranges::find_if(cells, [&](const Cell& cell) { return cell.settings == point.settings; });
    if (found == cells.end()) found = cells.insert(cells.end(), Cell{.settings = point.settings, .runs = {}});
    found->runs.push_back(&point);
  }
  return cells;
}

std::optional<double> score(const Point& run, const char* metric, const std::string& mode) {
  const auto scores = run.scores.find(metric);
  if (scores == run.scores.end()) return std::nullopt;
  const auto found = scores->second.find(mode);
  return found == scores->second.end() ? std::nullopt : std::optional(found->second);
}

// What quantization took of a run's accuracy: that of its weights in floats, before calibration changed them, less that of its own
// arithmetic.
std::optional<double> lost_to_float(const Point& run) {
  const std::string mode = shipped_mode(run);
  const auto before = score(run, "accuracy", report::kBeforeCalibration);
  const auto floats = before ? before : score(run, "accuracy", "float");
  if (mode == "float" || !floats) return std::nullopt;
  return *floats - *score(run, "accuracy", mode);
}

// The means of one metric, by mode, with the numbers they are means of.
ordered_json means_of(const std::vector<const Point*>& runs, const char* metric) {
  ordered_json out = ordered_json::object();
  for (const char* mode : report::kModes) {
    std::vector<double> values;
    for (const Point* run : runs) {
      if (const auto value = score(*run, metric, mode)) values.push_back(*value);
    }
    if (values.empty()) continue;
    out[mode] = mean_json(mean_of(values));
    out[mode]["values"] = values;
  }
  return out;
}

// The means of what each run has a few of, by kind.
ordered_json means_by_kind(const std::vector<const Point*>& runs, std::map<std::string, double> Point::*member) {
  std::map<std::string, std::vector<double>> all;
  for (const Point* run : runs) {
    for (const auto& [kind, count] : run->*member) all[kind].push_back(count);
  }
  ordered_json out = ordered_json::object();
  for (const auto& [kind, counts] : all) {
    out[kind] = mean_json(mean_of(counts));
    out[kind]["values"] = counts;
  }
  return out;
}

ordered_json cell_json(const ordered_json& settings, const std::vector<const Point*>& runs) {
  ordered_json out{{"settings", settings}, {"mode", shipped_mode(*runs.front())}};
  for (const char* metric : kMetrics) out[metric] = means_of(runs, metric);
  std::vector<double> lost;
  for (const Point* run : runs) {
    if (const auto points = lost_to_float(*run)) lost.push_back(*points);
  }
  if (!lost.empty()) out["lost_to_float"] = mean_json(mean_of(lost));
  out["rounded"] = std::ranges::any_of(runs, &Point::rounded);
  out["bytes"] = means_by_kind(runs, &Point::bytes);
  out["bits"] = means_by_kind(runs, &Point::bits);
  if (out["bytes"].contains("program")) out["program_bytes"] = out["bytes"]["program"]["mean"];
  return out;
}

// The paths in which two settings differ, if it is only one.
std::optional<std::string> only_difference(const ordered_json& a, const ordered_json& b) {
  std::optional<std::string> path;
  for (const auto& [name, value] : a.items()) {
    if (b.at(name) == value) continue;
    if (path) return std::nullopt;
    path = name;
  }
  return path;
}

// The values of each path that varies, in the order of the runs.
using Values = std::map<std::string, std::vector<ordered_json>>;

Values values_of(const Cells& cells) {
  Values values;
  for (const Cell& cell : cells) {
    for (const auto& [path, value] : cell.settings.items()) {
      std::vector<ordered_json>& known = values[path];
      if (std::ranges::find(known, value) == known.end()) known.push_back(value);
    }
  }
  return values;
}

// The mean over the pairs of two cells of what the second run has more of `measure`; null where no pair has it.
template <class Measure>
ordered_json paired_mean(const Cell& a, const Cell& b, const Measure& measure) {
  std::vector<double> differences;
  for (const Point* first : a.runs) {
    const auto second = std::ranges::find(b.runs, first->pair, &Point::pair);
    if (second == b.runs.end()) continue;
    const std::optional<double> before = measure(*first), after = measure(**second);
    if (before && after) differences.push_back(*after - *before);
  }
  return differences.empty() ? ordered_json(nullptr) : mean_json(mean_of(differences));
}

// Differences by path, in the order in which the runs name paths.
void sort_by_path(const Cells& cells, std::vector<ordered_json>& differences) {
  if (cells.empty()) return;
  std::vector<std::string> paths;
  for (const auto& [path, value] : cells.front().settings.items()) paths.push_back(path);
  std::ranges::stable_sort(differences, {}, [&](const ordered_json& difference) {
    return std::ranges::find(paths, difference.at("path").get<std::string>()) - paths.begin();
  });
}

void add_difference(const Cell& a, const Cell& b, const Values& values, std::vector<ordered_json>& all) {
  const std::optional<std::string> path = only_difference(a.settings, b.settings);
  if (!path) return;
  const std::vector<ordered_json>& known = values.at(*path);
  if (known.size() > kFewValues && a.settings.at(*path) != known.front()) return;
  ordered_json others = a.settings;
  others.erase(*path);
  ordered_json out{
      {"path", *path}, {"first", a.settings.at(*path)}, {"second", b.settings.at(*path)}, {"settings", others}};
  for (const char* metric : kMetrics) {
    ordered_json mean = paired_mean(a, b, [metric](const Point& run) { return score(run, metric, shipped_mode(run)); });
    if (!mean.is_null()) out[metric] = std::move(mean);
  }
  if (!out.contains("accuracy")) return;
  if (ordered_json lost = paired_mean(a, b, lost_to_float); !lost.is_null()) out["lost_to_float"] = std::move(lost);
  all.push_back(std::move(out));
}

}  // namespace

ordered_json study_statistics(const ordered_json& study) {
  const std::vector<Point> points = points_of(study);
  const Cells cells = cells_of(points);
  ordered_json cell_list = ordered_json::array();
  std::vector<ordered_json> differences;
  for (const auto& [settings, runs] : cells) cell_list.push_back(cell_json(settings, runs));
  const Values values = values_of(cells);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    for (std::size_t j = i + 1; j < cells.size(); ++j) add_difference(cells[i], cells[j], values, differences);
  }
  sort_by_path(cells, differences);
  return {{"cells", cell_list}, {"differences", differences}};
}

}  // namespace tempera::cli
