#include "tempera/apps/report/size_charts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <utility>

#include "tempera/apps/report/chart/line_chart.hpp"
#include "tempera/apps/report/html.hpp"
#include "tempera/apps/report/run_data.hpp"
#include "tempera/apps/report/study_facts.hpp"
#include "tempera/apps/report/text.hpp"

namespace tempera::cli::report {
namespace {

using nlohmann::ordered_json;

constexpr double kFloatBits = 32;

double bits_of(const ordered_json& cell) { return cell.at("bits").at("weights").at("mean"); }

bool known(const ordered_json& cell) {
  return cell.contains("bits") && cell.at("bits").contains("weights") && cell.at("bytes").contains("float32") &&
         cell.at("bytes").contains("stored") && cell.at("bytes").at("stored").contains("values");
}

// Over the pairs of cells that differ in nothing but `path`, by how many octaves their bits differ on average.
double pull(const std::vector<ordered_json>& cells, const std::string& path) {
  double sum = 0, pairs = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    for (std::size_t j = i + 1; j < cells.size(); ++j) {
      ordered_json a = cells[i].at("settings"), b = cells[j].at("settings");
      a.erase(path);
      b.erase(path);
      if (a != b) continue;
      sum += std::abs(std::log2(bits_of(cells[i]) / bits_of(cells[j])));
      ++pairs;
    }
  }
  return pairs > 0 ? sum / pairs : 0;
}

std::string path_of_bits(const std::vector<ordered_json>& cells) {
  std::string best;
  double most = 0;
  for (const auto& [path, value] : cells.front().at("settings").items()) {
    const double here = pull(cells, path);
    if (here > most) {
      most = here;
      best = path;
    }
  }
  return best;
}

// What a cell's line is named by.
ordered_json line_of(const ordered_json& cell, const std::string& path) {
  ordered_json rest = cell.at("settings");
  if (!rest.contains(path)) return rest;
  const std::string name =
      rest.at(path).is_string() ? without_bits(rest.at(path).get<std::string>(), bits_of(cell)) : "";
  if (name.empty()) {
    rest.erase(path);
  } else {
    rest[path] = name;
  }
  return rest;
}

TrendPoint point_of(const ordered_json& mean, double x, const ordered_json& xs) {
  TrendPoint point{.x = x, .mean = mean.at("mean"), .runs = {}};
  if (!mean.at("interval").is_null()) {
    point.low = mean.at("interval")[0];
    point.high = mean.at("interval")[1];
  }
  const ordered_json& ys = mean.at("values");
  for (std::size_t i = 0; i < std::min(xs.size(), ys.size()); ++i)
    point.runs.emplace_back(xs[i].get<double>(), ys[i].get<double>());
  return point;
}

const ordered_json& shipped(const ordered_json& cell) {
  return cell.at("accuracy").at(cell.at("mode").get<std::string>());
}

TrendPoint point_of(const ordered_json& cell, Size size) {
  const ordered_json& x = size == Size::kBits ? cell.at("bits").at("weights") : cell.at("bytes").at("stored");
  return point_of(shipped(cell), x.at("mean"), x.at("values"));
}

struct Line {
  ordered_json name;
  Trend trend;
};

Trend& trend_named(std::vector<Line>& lines, const ordered_json& name) {
  auto found = std::ranges::find(lines, name, &Line::name);
  if (found == lines.end()) found = lines.insert(lines.end(), Line{.name = name, .trend = {}});
  return found->trend;
}

// In floats; of weights that calibration changed, as they were before.
const ordered_json& floats_of(const ordered_json& accuracy) {
  const char* mode = accuracy.contains(kBeforeCalibration) ? kBeforeCalibration : "float";
  return accuracy.at(mode);
}

// Cells of different bits whose accuracies in floats are the same, run by run, share their weights in floats.
std::vector<Trend> shared_floats(const std::vector<ordered_json>& cells, const std::string& path, Size size) {
  std::vector<std::pair<ordered_json, std::vector<const ordered_json*>>> groups;
  for (const ordered_json& cell : cells) {
    if (cell.at("mode") == "float" || !cell.at("accuracy").contains("float")) continue;
    if (cell.value("rounded", false)) continue;  // each was trained by its own bits
    const ordered_json& values = floats_of(cell.at("accuracy")).at("values");
    auto group = std::ranges::find(groups, values, [](const auto& one) { return one.first; });
    if (group == groups.end()) {
      groups.emplace_back(values, std::vector<const ordered_json*>());
      group = std::prev(groups.end());
    }
    group->second.push_back(&cell);
  }
  std::vector<Trend> trends;
  for (const auto& [values, members] : groups) {
    const ordered_json& first = *members.front();
    const bool differ = std::ranges::any_of(members, [&](const auto* one) { return bits_of(*one) != bits_of(first); });
    if (!differ) continue;
    ordered_json common = line_of(first, path);
    for (const ordered_json* one : members) {
      const ordered_json other = line_of(*one, path);
      const ordered_json so_far = common;
      for (const auto& [name, value] : so_far.items()) {
        if (!other.contains(name) || other.at(name) != value) common.erase(name);
      }
    }
    const double x = size == Size::kBits ? kFloatBits : first.at("bytes").at("float32").at("mean").get<double>();
    const std::string floats = mode_name(kBeforeCalibration, FloatWeights::kCalibrated);
    Trend trend{.name = (common.empty() ? "" : settings_text(common) + ", ") + floats, .points = {}, .stroke = {}};
    trend.points.push_back(
        point_of(floats_of(first.at("accuracy")), x, ordered_json(std::vector<double>(values.size(), x))));
    trends.push_back(std::move(trend));
  }
  return trends;
}

Axis bits_axis(const std::vector<Trend>& trends) {
  Axis axis{.label = "bits of a weight (mean over all)", .kind = ScaleKind::log, .tight = true};
  double low = kFloatBits, high = 1;
  for (const Trend& trend : trends) {
    for (const TrendPoint& point : trend.points) {
      low = std::min(low, point.x);
      high = std::max(high, point.x);
    }
  }
  constexpr double kRoom = 1.3;  // beside the outermost points
  axis.min = low / kRoom;
  axis.max = high * kRoom;
  axis.at = {1, 2, 3, 4, 6, 8, 16, 32};
  return axis;
}

std::string chart_of(const ordered_json& cells, Size size) {
  const bool bits = size == Size::kBits;
  TrendChart chart;
  chart.sheet = {.id = bits ? "study-bits" : "study-bytes",
                 .title = bits ? "Accuracy against bits" : "Accuracy against bytes",
                 .height = 300};
  chart.trends = size_trends(cells, size);
  if (chart.trends.empty()) return {};
  chart.x =
      bits ? bits_axis(chart.trends)
           : Axis{.label = "bytes of the file that is shipped", .kind = ScaleKind::log, .format = TickFormat::bytes};
  chart.y = {.label = "test accuracy", .format = TickFormat::percent};
  chart.limits = Range{.low = 0, .high = 1};
  chart.sheet.height += 9 * static_cast<double>(chart.trends.size());  // for the legend
  for (const Trend& trend : chart.trends) {
    chart.sheet.description += trend.name + ":";
    for (const TrendPoint& point : trend.points) {
      chart.sheet.description += fmt::format(" {} at {},", percent(point.mean),
                                             bits ? significant(point.x) + " bits" : bytes(std::llround(point.x)));
    }
    chart.sheet.description.back() = '.';
    chart.sheet.description += ' ';
  }
  return figure(chart.sheet.title, draw(chart));
}

}  // namespace

std::string settings_text(const ordered_json& settings) {
  std::string text;
  for (const auto& [path, value] : settings.items()) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", path.substr(path.rfind('.') + 1), value_text(value));
  }
  return text.empty() ? "all runs" : text;
}

std::string without_bits(const std::string& name, double bits) {
  const std::string number = fmt::format("{:.0f}", bits);
  if (name == number) return {};
  static const std::regex kBits(R"((^|, *| +)(\d+)[ -]?bits?(?=$|[, ])(, *| +)?)");
  std::smatch found;
  if (!std::regex_search(name, found, kBits) || found[2] != number) return name;
  const std::string before = found.prefix(), after = found.suffix();
  return before.empty() || after.empty() ? before + after : before + ", " + after;
}

std::vector<Trend> size_trends(const ordered_json& all, Size size) {
  std::vector<ordered_json> cells;
  for (const ordered_json& cell : all) {
    if (known(cell)) cells.push_back(cell);
  }
  if (cells.empty()) return {};
  const std::string path = path_of_bits(cells);
  std::vector<Line> lines;
  for (const ordered_json& cell : cells) trend_named(lines, line_of(cell, path)).points.push_back(point_of(cell, size));
  std::vector<Trend> trends;
  for (auto& [name, trend] : lines) {
    trend.name = settings_text(name);
    std::ranges::sort(trend.points, {}, &TrendPoint::x);
    // A line is a function of its x.
    trend.joined = std::ranges::adjacent_find(trend.points, {}, &TrendPoint::x) == trend.points.end();
    trends.push_back(std::move(trend));
  }
  for (Trend& trend : shared_floats(cells, path, size)) trends.push_back(std::move(trend));
  for (std::size_t i = 0; i < trends.size(); ++i) trends[i].stroke = series_stroke(i, true);
  return trends;
}

std::string size_charts(const ordered_json& cells) {
  const std::string by_bits = chart_of(cells, Size::kBits), by_bytes = chart_of(cells, Size::kBytes);
  if (by_bits.empty()) return {};
  return multiples({by_bits, by_bytes}) +
         note(
             "Small dots are runs, marks their means, whiskers 95 % intervals of the mean by Student's t; a single run "
             "has none, and one that goes on beyond the axis ends in an arrow. Bits are the mean over all weights, of "
             "which those of floats count 32. Where the same weights serve several numbers of bits, their accuracy in "
             "floats, as trained, stands at 32 bits, and at the bytes of its weights and biases alone as float32. "
             "Bytes are otherwise those of the whole file that is shipped. Lines stand a little beside each other.");
}

}  // namespace tempera::cli::report
