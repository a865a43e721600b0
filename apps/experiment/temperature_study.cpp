#include "tempera/apps/experiment/temperature_study.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "tempera/core/errors.hpp"
#include "tempera/nn/metrics.hpp"
#include "tempera/nn/softmax_rows.hpp"
#include "tempera/nn/temperature.hpp"

namespace tempera::cli {
namespace {

// The project grew from the softmax of a seven.
constexpr std::int64_t kSeven = 7;

std::int64_t label_of(const TemperatureConfig& config, const data::Split& test) {
  if (config.label) return *config.label;
  std::int64_t last = 0;
  for (std::int64_t i = 0; i < test.size(); ++i) {
    if (test.label(i) == kSeven) return kSeven;
    last = std::max<std::int64_t>(last, test.label(i));
  }
  return last;
}

// The first of the class that the model gets right, or the first at all where it gets none.
std::int64_t choose_sample(const TemperatureConfig& config, const data::Split& split, const nn::Outputs& test) {
  if (config.index) return *config.index;
  const std::int64_t label = label_of(config, split);
  const std::vector<std::int32_t> predicted = nn::predictions(test.logits);
  std::optional<std::int64_t> first;
  for (std::size_t i = 0; i < predicted.size(); ++i) {
    if (test.labels[i] != label) continue;
    if (predicted[i] == label) return static_cast<std::int64_t>(i);
    if (!first) first = static_cast<std::int64_t>(i);
  }
  return first.value();  // NOLINT(bugprone-unchecked-optional-access): check_temperature was passed
}

// logit(σ(z)) = log(σ/(1−σ)) with σ computed first. 1−σ is taken as σ(−z): as a difference it is 0 from z = 37 on.
report::LogitIdentity logit_identity(double z) {
  const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  return {.logit = z, .sigmoid = sigmoid(z), .recovered = std::log(sigmoid(z)) - std::log(sigmoid(-z))};
}

report::PairIdentity pair_identity(std::span<const Scalar> logits, std::size_t a, std::size_t b) {
  const double za = logits[a];
  const double zb = logits[b];
  const double largest = std::max(za, zb);
  const double ea = std::exp(za - largest);
  const double eb = std::exp(zb - largest);
  return {.a = static_cast<std::int64_t>(a),
          .b = static_cast<std::int64_t>(b),
          .logit_a = za,
          .logit_b = zb,
          .softmax = ea / (ea + eb),
          .sigmoid = 1 / (1 + std::exp(zb - za))};
}

// Neighbours in the order of logits: their differences are small enough for σ to be more than 0 or 1.
std::vector<report::PairIdentity> pair_identities(std::span<const Scalar> logits) {
  std::vector<std::size_t> order(logits.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
  std::vector<report::PairIdentity> pairs;
  for (std::size_t i = 0; i + 1 < order.size(); ++i) pairs.push_back(pair_identity(logits, order[i], order[i + 1]));
  return pairs;
}

void measure_sets(const TemperatureConfig& config, const nn::Outputs& test, const nn::Outputs& validation,
                  report::TemperatureStudy& study) {
  for (const nn::TemperaturePoint& point : nn::temperature_curve(test.logits, test.labels, config.temperatures)) {
    study.entropy.push_back(point.entropy);
    study.nll.push_back(point.nll);
    study.ece.push_back(point.ece);
  }
  const nn::Outputs& tuning = validation.labels.empty() ? test : validation;
  study.best_temperature = nn::best_temperature(tuning.logits, tuning.labels);
  for (const double t : config.dark_knowledge) {
    study.dark_knowledge.push_back({.temperature = t, .matrix = nn::dark_knowledge(test.logits, test.labels, t)});
  }
}

}  // namespace

TemperatureConfig::TemperatureConfig() : temperatures(50) { std::iota(temperatures.begin(), temperatures.end(), 1.0); }

void TemperatureConfig::fields(core::FieldVisitor& v) {
  v.field(
      "label", label,
      {.help = "class of the sample to look at, the first one in the test set that the model gets right; null: 7, or "
               "the last class where there is no 7",
       .min = 0});
  v.field("index", index, {.help = "look at this test sample instead", .min = 0});
  v.field("temperatures", temperatures,
          {.help = "temperatures of the softmax, rising",
           .min = 0,
           .max = 1e6,
           .above_min = true,
           .min_items = 1,
           .max_items = 1000});
  v.field("dark_knowledge", dark_knowledge,
          {.help = "temperatures at which mean probabilities by class are kept",
           .min = 0,
           .max = 1e6,
           .above_min = true,
           .min_items = 1,
           .max_items = 20});
  const bool rising = std::ranges::adjacent_find(temperatures, std::greater_equal{}) == temperatures.end();
  v.rule(rising, "temperatures", "must rise from each to the next");
}

void check_temperature(const TemperatureConfig& config, const data::Split& test) {
  if (config.index) {
    if (*config.index < test.size()) return;
    throw core::ConfigError(
        {{.pointer = "/temperature/index",
          .message = fmt::format("must be below the {} test samples, received {}", test.size(), *config.index)}});
  }
  const std::int64_t label = label_of(config, test);
  for (std::int64_t i = 0; i < test.size(); ++i) {
    if (test.label(i) == label) return;
  }
  throw core::ConfigError(
      {{.pointer = "/temperature/label", .message = fmt::format("no test sample is of class {}", label)}});
}

report::TemperatureStudy temperature_study(const TemperatureConfig& config, const nn::Outputs& test,
                                           const data::Split& test_split, const nn::Outputs& validation) {
  check_temperature(config, test_split);
  report::TemperatureStudy study;
  study.sample_index = choose_sample(config, test_split, test);
  study.sample_label = test.labels[static_cast<std::size_t>(study.sample_index)];
  study.picture = picture_of(test_split, study.sample_index);
  const std::span<const Scalar> logits = nn::row_of(test.logits, study.sample_index);
  study.logits.assign(logits.begin(), logits.end());
  study.temperatures = config.temperatures;
  for (const double t : config.temperatures) study.probabilities.push_back(nn::softmax_at(logits, t));
  measure_sets(config, test, validation, study);
  for (const Scalar z : logits) study.logit_identities.push_back(logit_identity(z));
  study.pair_identities = pair_identities(logits);
  return study;
}

}  // namespace tempera::cli
