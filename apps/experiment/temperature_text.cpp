#include "tempera/apps/experiment/temperature_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "tempera/apps/terminal.hpp"
#include "tempera/nn/temperature.hpp"

namespace tempera::cli {
namespace {

constexpr std::size_t kClassesShown = 4;
constexpr std::array kShown{1.0, 2.0, 4.0, 8.0, 20.0, 50.0};

std::vector<std::size_t> by_logit(const std::vector<double>& logits) {
  std::vector<std::size_t> order(logits.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
  order.resize(std::min(order.size(), kClassesShown));
  return order;
}

std::string name_of(const std::vector<std::string>& classes, std::size_t index) {
  return index < classes.size() ? classes[index] : std::to_string(index);
}

double entropy_of(const std::vector<double>& probabilities) {
  double entropy = 0;
  for (const double p : probabilities) entropy -= p > 0 ? p * std::log(p) : 0;
  return entropy;
}

}  // namespace

std::string temperature_text(const report::TemperatureStudy& study, const std::vector<std::string>& classes) {
  const std::vector<std::size_t> shown = by_logit(study.logits);
  std::vector<std::string> header{"T"};
  for (const std::size_t index : shown) header.push_back("p(" + name_of(classes, index) + ")");
  header.push_back("entropy, nats");
  Table table(header);
  for (std::size_t t = 0; t < study.temperatures.size(); ++t) {
    if (std::ranges::find(kShown, study.temperatures[t]) == kShown.end()) continue;
    std::vector<std::string> cells{fmt::format("{}", study.temperatures[t])};
    for (const std::size_t index : shown) cells.push_back(fmt::format("{:.4f}", study.probabilities[t][index]));
    cells.push_back(fmt::format("{:.3f}", entropy_of(study.probabilities[t])));
    table.row(cells);
  }
  const double best = study.best_temperature;
  const bool at_end = best <= nn::kLeastTemperature || best >= nn::kMostTemperature;
  return fmt::format(
      "softmax(z / T) of test image {}, labelled {}, over its likeliest classes as T rises:\n{}"
      "the temperature that fits best, T* = {:.3g}{}\n",
      study.sample_index, name_of(classes, static_cast<std::size_t>(study.sample_label)), table.text(), best,
      at_end ? fmt::format(": an end of what is looked for, {} to {}", nn::kLeastTemperature, nn::kMostTemperature)
             : "");
}

}  // namespace tempera::cli
