// Entropy, likelihood and calibration of the whole test set as the temperature rises, and the best temperature.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tempera/apps/report/chart/line_chart.hpp"
#include "tempera/apps/report/html.hpp"
#include "tempera/apps/report/run_data.hpp"
#include "tempera/apps/report/text.hpp"
#include "tempera/nn/temperature.hpp"

namespace tempera::cli::report::sections {
namespace {

struct Measure {
  std::string id, title;
  const std::vector<double>* values;
  TickFormat format;
};

std::string told(const TemperatureStudy& study, const Measure& measure) {
  return fmt::format("{} is {} at T = {} and {} at T = {}.", measure.title, significant(measure.values->front(), 4),
                     significant(study.temperatures.front()), significant(measure.values->back(), 4),
                     significant(study.temperatures.back()));
}

std::string curve(const TemperatureStudy& study, const Measure& measure) {
  if (measure.values->empty() || measure.values->size() != study.temperatures.size()) return {};
  LineChart chart{.sheet = {.id = measure.id,
                            .title = measure.title + " against temperature",
                            .description = told(study, measure)}};
  chart.x = {.label = "temperature T", .kind = ScaleKind::log, .tight = true};
  chart.y = {.format = measure.format, .min = 0.0};
  chart.series.push_back({.name = measure.title, .x = study.temperatures, .y = *measure.values});
  if (std::isfinite(study.best_temperature) && study.best_temperature > 0) {
    // T* may lie below the first temperature: an over-cautious network is sharpened.
    chart.x.min = std::min(study.temperatures.front(), study.best_temperature);
    chart.marks.push_back({study.best_temperature, fmt::format("T* = {}", significant(study.best_temperature))});
  }
  return figure(measure.title, draw(chart));
}

/// What T* says of the network; a hundredth either way says nothing.
std::string_view verdict(double best_temperature) {
  constexpr double kNoise = 0.01;
  if (best_temperature <= nn::kLeastTemperature) return "the least that is looked for, as every prediction is right";
  if (best_temperature >= nn::kMostTemperature)
    return "the most that is looked for: the network is worse than guessing";
  if (best_temperature > 1 + kNoise) return "the network is too sure of itself by that factor";
  if (best_temperature < 1 - kNoise) return "the network is less sure of itself than it might be";
  return "the network is as sure of itself as it should be";
}

Table table(const TemperatureStudy& study) {
  const auto at = [](const std::vector<double>& values, std::size_t i) {
    return i < values.size() ? values[i] : kUnknown;
  };
  Table out{"test set at every temperature", {"T", "entropy, nats", "NLL, nats", "ECE"}, {}};
  for (std::size_t i = 0; i < study.temperatures.size(); ++i) {
    out.rows.push_back({significant(study.temperatures[i], 4), fixed(at(study.entropy, i), 4),
                        fixed(at(study.nll, i), 4), percent(at(study.ece, i))});
  }
  return out;
}

}  // namespace

std::string temperature_test(const RunData& run) {
  if (!run.temperature || run.temperature->temperatures.empty()) return {};
  const TemperatureStudy& study = *run.temperature;
  const std::string charts =
      curve(study, {"temperature-entropy", "Mean entropy, nats", &study.entropy, TickFormat::plain}) +
      curve(study, {"temperature-nll", "Negative log-likelihood, nats", &study.nll, TickFormat::plain}) +
      curve(study, {"temperature-ece", "Expected calibration error", &study.ece, TickFormat::percent});
  if (charts.empty()) return {};
  std::string text = "Temperature changes no decision, only how sure the network claims to be.";
  if (std::isfinite(study.best_temperature)) {
    text += fmt::format(" T* = {} makes the validation set most likely: {}.", significant(study.best_temperature),
                        verdict(study.best_temperature));
  }
  if (!study.logits.empty()) {
    text += fmt::format(" The entropy of {} equal classes would be ln {} = {} nats.", study.logits.size(),
                        study.logits.size(), fixed(std::log(static_cast<double>(study.logits.size())), 3));
  }
  return paragraph(text) + multiples({charts}) + numbers(table(study));
}

}  // namespace tempera::cli::report::sections
