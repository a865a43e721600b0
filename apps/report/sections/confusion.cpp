// Which classes are taken for which.
#include <fmt/format.h>

#include <algorithm>

#include "tempera/apps/report/chart/bar_chart.hpp"
#include "tempera/apps/report/chart/heat_map.hpp"
#include "tempera/apps/report/html.hpp"
#include "tempera/apps/report/sections/classes.hpp"
#include "tempera/apps/report/text.hpp"

namespace tempera::cli::report::sections {
namespace {

struct Mixup {
  std::int64_t count;
  std::size_t label, predicted;
};

std::vector<Mixup> most_frequent(const std::vector<std::vector<std::int64_t>>& confusion, std::size_t limit) {
  std::vector<Mixup> out;
  for (std::size_t i = 0; i < confusion.size(); ++i) {
    for (std::size_t j = 0; j < confusion[i].size(); ++j) {
      if (i != j && confusion[i][j] > 0) out.push_back({confusion[i][j], i, j});
    }
  }
  std::ranges::stable_sort(out, std::ranges::greater{}, &Mixup::count);
  if (out.size() > limit) out.resize(limit);
  return out;
}

std::string heat_map(const RunData& run, const Evaluation& evaluation) {
  const auto& confusion = evaluation.confusion;
  HeatMap chart;
  chart.sheet.id = "confusion-map";
  chart.sheet.title = "Confusion matrix";
  chart.rows = class_titles(run, confusion.size());
  chart.columns = class_numbers(confusion.size());
  chart.row_label = "true";
  chart.column_label = "predicted";
  chart.diagonal_apart = true;
  chart.print = [](double value) { return value > 0 ? fmt::format("{:.0f}", value) : std::string(); };
  chart.explain = [](double value) { return fmt::format("{:.0f}", value); };
  for (const auto& row : confusion) chart.values.emplace_back(row.begin(), row.end());
  for (const Mixup& mixup : most_frequent(confusion, 3)) {
    chart.sheet.description += fmt::format("{} is taken for {} {} times. ", class_name(run, mixup.label),
                                           class_name(run, mixup.predicted), mixup.count);
  }
  const std::string mode = mode_name(evaluation.mode, float_weights(run.summary));
  return figure(fmt::format("Images by true and predicted class ({} set, {})", evaluation.split, mode), draw(chart));
}

std::string recalls(const RunData& run, const Evaluation& evaluation) {
  const auto& confusion = evaluation.confusion;
  BarChart chart;
  chart.sheet = {.id = "confusion-errors", .title = "Share of each class that is misread", .height = 280};
  chart.categories = class_numbers(confusion.size());
  chart.x_label = "true class";
  chart.y = {.format = TickFormat::percent, .min = 0.0};
  BarSeries& shares = chart.series.emplace_back(BarSeries{"class", {}, 0});
  for (std::size_t i = 0; i < confusion.size(); ++i) {
    double total = 0;
    for (const std::int64_t count : confusion[i]) total += static_cast<double>(count);
    shares.values.push_back(total > 0 ? 1 - static_cast<double>(confusion[i][i]) / total : kUnknown);
    chart.sheet.description += fmt::format("{}: {}. ", class_name(run, i), percent(shares.values.back()));
  }
  return figure(chart.sheet.title, draw(chart));
}

Table mixups(const RunData& run, const Evaluation& evaluation) {
  Table table{"most frequent mix-ups", {"true", "predicted", "times"}, {}};
  for (const Mixup& mixup : most_frequent(evaluation.confusion, 12)) {
    table.rows.push_back({class_name(run, mixup.label), class_name(run, mixup.predicted), grouped(mixup.count)});
  }
  return table;
}

}  // namespace

std::string confusion(const RunData& run) {
  if (!run.evaluation || run.evaluation->confusion.empty()) return {};
  const Evaluation& evaluation = *run.evaluation;
  const std::string key = class_key(run, evaluation.confusion.size());
  return multiples({heat_map(run, evaluation), recalls(run, evaluation)}) + (key.empty() ? "" : note(key)) +
         numbers(mixups(run, evaluation));
}

}  // namespace tempera::cli::report::sections
