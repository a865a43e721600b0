// Loss, accuracy and learning rate over the epochs.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "tempera/apps/report/chart/line_chart.hpp"
#include "tempera/apps/report/html.hpp"
#include "tempera/apps/report/run_data.hpp"
#include "tempera/apps/report/text.hpp"

namespace tempera::cli::report::sections {
namespace {

constexpr std::size_t kMarkersUpTo = 25;  // epochs; beyond, markers touch each other

constexpr const char* kSoftAccuracy = "validation_soft_accuracy";
constexpr const char* kSoftGap = "validation_soft_gap";

using Getter = std::function<double(const EpochMetrics&)>;

struct Curve {
  std::string name;
  Getter value;
};

// What is not of every run.
Getter extra_of(const std::string& name) {
  return [name](const EpochMetrics& e) { return e.extra.contains(name) ? e.extra.at(name) : kUnknown; };
}

bool measured(const RunData& run, const Getter& value) {
  return std::ranges::any_of(run.epochs, [&](const EpochMetrics& epoch) { return std::isfinite(value(epoch)); });
}

/// What the curve says in words: where it starts, where it ends.
std::string told(const RunData& run, const Curve& curve) {
  return fmt::format("{} goes from {} in epoch {} to {} in epoch {}.", curve.name,
                     significant(curve.value(run.epochs.front()), 4), run.epochs.front().epoch,
                     significant(curve.value(run.epochs.back()), 4), run.epochs.back().epoch);
}

std::string curves(const RunData& run, const std::string& id, const std::string& title, TickFormat format,
                   const std::vector<Curve>& all) {
  LineChart chart{.sheet = {.id = id, .title = title}};
  chart.x = {.label = "epoch", .target = 6, .tight = true, .whole = true};
  chart.y = {.format = format, .target = 5};
  for (const Curve& curve : all) {
    if (!measured(run, curve.value)) continue;
    Series series{.name = curve.name, .stroke = series_stroke(chart.series.size(), run.epochs.size() <= kMarkersUpTo)};
    for (const EpochMetrics& epoch : run.epochs) {
      series.x.push_back(static_cast<double>(epoch.epoch));
      series.y.push_back(curve.value(epoch));
    }
    chart.sheet.description += fmt::format("{}{}", chart.series.empty() ? "" : " ", told(run, curve));
    chart.series.push_back(std::move(series));
  }
  return chart.series.empty() ? std::string() : figure(title, draw(chart));
}

// The program's own measures in words; what a schedule moves stays the path it has in the config.
std::string extra_title(const std::string& name) {
  if (name == "validation_nll") return "Negative log-likelihood, validation, nats";
  if (name == "validation_ece") return "Expected calibration error, validation";
  if (name == "soft_temperature") return "Steepness T of the smoothed staircases";
  return name;
}

Table epoch_table(const RunData& run) {
  Table table{"every epoch",
              {"epoch", "train loss", "train accuracy", "validation loss", "validation accuracy", "learning rate",
               "seconds", "images/s"},
              {}};
  for (const EpochMetrics& epoch : run.epochs) {
    table.rows.push_back(
        {fmt::format("{}", epoch.epoch), fixed(epoch.train.loss, 4), percent(epoch.train.accuracy),
         fixed(epoch.validation.loss, 4), percent(epoch.validation.accuracy), significant(epoch.learning_rate, 4),
         fixed(epoch.seconds, 2),
         std::isfinite(epoch.samples_per_second) ? grouped(std::llround(epoch.samples_per_second)) : "–"});
  }
  return table;
}

}  // namespace

std::string training(const RunData& run) {
  if (run.epochs.empty()) return {};
  std::vector<std::string> figures;
  figures.push_back(curves(run, "training-loss", "Loss", TickFormat::plain,
                           {{"training", [](const EpochMetrics& e) { return e.train.loss; }},
                            {"validation", [](const EpochMetrics& e) { return e.validation.loss; }}}));
  figures.push_back(curves(run, "training-accuracy", "Accuracy", TickFormat::percent,
                           {{"training", [](const EpochMetrics& e) { return e.train.accuracy; }},
                            {"validation", [](const EpochMetrics& e) { return e.validation.accuracy; }},
                            {"validation, soft form", extra_of(kSoftAccuracy)}}));
  figures.push_back(curves(run, "training-soft-gap", "Gap between soft and hard form, validation", TickFormat::percent,
                           {{"accuracy of the soft form − of the hard one", extra_of(kSoftGap)}}));
  figures.push_back(curves(run, "training-rate", "Learning rate", TickFormat::plain,
                           {{"learning rate", [](const EpochMetrics& e) { return e.learning_rate; }}}));
  std::set<std::string> extra;
  for (const EpochMetrics& epoch : run.epochs) {
    for (const auto& [name, value] : epoch.extra) extra.insert(name);
  }
  for (const std::string& name : extra) {
    if (name == kSoftAccuracy || name == kSoftGap) continue;  // stand with the accuracy of the hard form
    const std::string title = extra_title(name);
    figures.push_back(curves(run, fmt::format("training-extra-{}", figures.size()), title, TickFormat::plain,
                             {{title, extra_of(name)}}));
  }
  return multiples(figures) + numbers(epoch_table(run));
}

}  // namespace tempera::cli::report::sections
