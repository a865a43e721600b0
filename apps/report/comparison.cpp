// The report over several runs.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "tempera/apps/experiment/statistics.hpp"
#include "tempera/apps/report/chart/dot_chart.hpp"
#include "tempera/apps/report/chart/line_chart.hpp"
#include "tempera/apps/report/html.hpp"
#include "tempera/apps/report/page.hpp"
#include "tempera/apps/report/text.hpp"

namespace tempera::cli::report {
namespace {

using Runs = std::span<const RunData>;

/// The run's name; with its folder where several runs share the name.
std::string title_of(Runs runs, std::size_t index) {
  const std::string& name = runs[index].summary.name;
  const auto same = std::ranges::count_if(runs, [&](const RunData& run) { return run.summary.name == name; });
  if (same < 2 && !name.empty()) return name;
  return runs[index].folder.empty() ? fmt::format("{} #{}", name, index + 1) : runs[index].folder;
}

Scores test_of(const RunData& run) {
  const auto mode = run.summary.results.find(shipped_mode(run.summary));
  if (mode == run.summary.results.end() || !mode->second.contains("test")) return {};
  return mode->second.at("test");
}

std::string table(Runs runs) {
  Table out{"All runs, on their test sets in the arithmetic they were made for",
            {"run", "status", "data", "parameters", "epochs", "time", "errors", "accuracy", "NLL", "ECE"},
            {},
            3};
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const Summary& summary = runs[i].summary;
    const Scores test = test_of(runs[i]);
    out.rows.push_back(
        {title_of(runs, i), summary.status, summary.data.used + (summary.data.fallback ? " (fallback)" : ""),
         grouped(summary.model.parameters), grouped(summary.training.epochs), duration(summary.training.seconds),
         test.n > 0 ? grouped(test.errors) : "–", percent(test.accuracy), fixed(test.nll, 4), percent(test.ece)});
  }
  return render(out);
}

std::string errors(Runs runs) {
  DotChart chart;
  chart.sheet = {.id = "compare-errors", .title = "Test error with 95 % intervals", .height = 0};
  chart.x = {.label = "share of test images misread", .format = TickFormat::percent, .grid = true};
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const Scores test = test_of(runs[i]);
    if (test.n <= 0) continue;
    const double share = static_cast<double>(test.errors) / static_cast<double>(test.n);
    const Interval interval = wilson_interval(test.errors, test.n);
    chart.groups.push_back({title_of(runs, i), {share}, std::nan(""), interval.low, interval.high, i});
    chart.sheet.description += fmt::format("{}: {}, between {} and {}. ", title_of(runs, i), percent(share),
                                           percent(interval.low), percent(interval.high));
  }
  if (chart.groups.empty()) return {};
  return "<div class=\"one\">" + figure(chart.sheet.title, draw(chart)) + "</div>" +
         note(
             "Intervals are Wilson's, each run by itself. Runs on the same images share their difficulty: tempera "
             "compare tests the "
             "difference in pairs.");
}

std::string overlay(Runs runs, const std::string& id, const std::string& title, TickFormat format,
                    const std::function<double(const EpochMetrics&)>& value) {
  LineChart chart{.sheet = {.id = id, .title = title, .height = 280}};
  chart.x = {.label = "epoch", .target = 6, .tight = true, .whole = true};
  chart.y = {.format = format};
  for (std::size_t i = 0; i < runs.size(); ++i) {
    Series series{.name = title_of(runs, i), .stroke = series_stroke(i, runs[i].epochs.size() <= 25)};
    for (const EpochMetrics& epoch : runs[i].epochs) {
      series.x.push_back(static_cast<double>(epoch.epoch));
      series.y.push_back(value(epoch));
    }
    if (std::ranges::none_of(series.y, [](double y) { return std::isfinite(y); })) continue;
    chart.sheet.description += fmt::format("{} ends at {}. ", series.name, significant(series.y.back(), 4));
    chart.series.push_back(std::move(series));
  }
  return chart.series.empty() ? std::string() : figure(title, draw(chart));
}

std::string curves(Runs runs) {
  const std::vector<std::string> figures{overlay(runs, "compare-accuracy", "Validation accuracy", TickFormat::percent,
                                                 [](const EpochMetrics& e) { return e.validation.accuracy; }),
                                         overlay(runs, "compare-validation", "Validation loss", TickFormat::plain,
                                                 [](const EpochMetrics& e) { return e.validation.loss; }),
                                         overlay(runs, "compare-train", "Training loss", TickFormat::plain,
                                                 [](const EpochMetrics& e) { return e.train.loss; })};
  const bool any = std::ranges::any_of(figures, [](const std::string& markup) { return !markup.empty(); });
  return any ? multiples(figures) : std::string();
}

}  // namespace

std::string render_comparison(std::span<const RunData> runs) {
  if (runs.size() == 1) return render_report(runs.front());
  Page page{fmt::format("{} runs compared", runs.size()), "tempera · report over several runs", {}, {}, {}};
  for (const RunData& run : runs) page.alarm_markup += fallback_alarm(run);
  if (!runs.empty()) {
    page.sections = {
        {"runs", "Runs", table(runs)}, {"errors", "Test errors", errors(runs)}, {"curves", "Curves", curves(runs)}};
  }
  return render(page);
}

}  // namespace tempera::cli::report
