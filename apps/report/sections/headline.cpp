// The numbers one looks for first.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>
#include <vector>

#include "tempera/apps/report/html.hpp"
#include "tempera/apps/report/run_data.hpp"
#include "tempera/apps/report/text.hpp"

namespace tempera::cli::report::sections {
namespace {

std::string tile(const std::string& value, const std::string& name) {
  return fmt::format("<li><b>{}</b><span>{}</span></li>", escape(value), escape(name));
}

const Scores* test_scores(const RunData& run, const std::string& mode) {
  const auto found = run.summary.results.find(mode);
  if (found == run.summary.results.end()) return nullptr;
  const auto split = found->second.find("test");
  return split == found->second.end() ? nullptr : &split->second;
}

std::string score_tiles(const Scores& scores, const std::string& arithmetic) {
  std::string out = tile(percent(scores.accuracy), "test accuracy" + arithmetic);
  out += tile(grouped(scores.errors), fmt::format("errors among {} test images", grouped(scores.n)));
  if (std::isfinite(scores.nll)) out += tile(fixed(scores.nll, 4), "negative log-likelihood, nats");
  if (std::isfinite(scores.ece)) out += tile(percent(scores.ece), "expected calibration error");
  return out;
}

std::string cost_tiles(const RunData& run) {
  const ModelFacts& model = run.summary.model;
  const TrainingFacts& training = run.summary.training;
  std::string out;
  if (model.parameters > 0) {
    out += tile(grouped(model.parameters),
                fmt::format("parameters, {} multiply-adds an image", grouped(model.multiply_adds)));
  }
  if (model.bytes.contains("stored")) {
    const auto alone = model.bytes.find("parameters");
    out +=
        tile(bytes(model.bytes.at("stored")),
             "the file that is shipped, whole" +
                 (alone == model.bytes.end() ? std::string() : "; weights and biases alone " + bytes(alone->second)));
  }
  const bool trained = training.steps > 0;  // a network that is only calibrated was trained elsewhere
  if (trained && std::isfinite(training.seconds)) {
    out += tile(duration(training.seconds),
                fmt::format("training, {} epochs, {} steps", training.epochs, grouped(training.steps)));
  }
  if (trained && std::isfinite(training.samples_per_second)) {
    out += tile(grouped(std::llround(training.samples_per_second)), "training images a second");
  }
  return out;
}

/// All modes and splits, where there is more than the test set in float to tell of.
std::string all_scores(const RunData& run) {
  Table table{"Results by numeric mode and split",
              {"mode and split", "images", "errors", "accuracy", "loss", "NLL", "ECE"},
              {}};
  std::vector<std::string> modes(std::begin(kModes), std::end(kModes));
  for (const auto& [mode, splits] : run.summary.results) {
    if (std::ranges::find(modes, mode) == modes.end()) modes.push_back(mode);
  }
  for (const std::string& mode : modes) {
    const auto found = run.summary.results.find(mode);
    if (found == run.summary.results.end()) continue;
    for (const auto& [split, scores] : found->second) {
      table.rows.push_back({fmt::format("{}, {}", mode_name(mode, float_weights(run.summary)), split),
                            grouped(scores.n), grouped(scores.errors), percent(scores.accuracy), fixed(scores.loss, 4),
                            fixed(scores.nll, 4), percent(scores.ece)});
    }
  }
  return table.rows.size() > 1 ? render(table) : std::string();
}

}  // namespace

std::string headline(const RunData& run) {
  std::string tiles;
  const std::string shipped = shipped_mode(run.summary);
  const Scores* best = test_scores(run, shipped);
  if (best != nullptr) {
    tiles +=
        score_tiles(*best, shipped == "float" ? std::string() : ", " + mode_name(shipped, float_weights(run.summary)));
  }
  // Fake quantization and integers are the same network, and said twice only where they are not.
  for (const char* mode : {kBeforeCalibration, "float", "fake_quant"}) {
    const Scores* scores = mode == shipped ? nullptr : test_scores(run, mode);
    if (scores == nullptr ||
        (mode == std::string_view("fake_quant") && best != nullptr && best->errors == scores->errors)) {
      continue;
    }
    tiles += tile(percent(scores->accuracy), "test accuracy, " + mode_name(mode, float_weights(run.summary)));
  }
  tiles += cost_tiles(run);
  if (tiles.empty()) return {};
  return fmt::format("<ul class=\"tiles\">{}</ul>\n", tiles) + all_scores(run) +
         (run.summary.training.rounded ? note(kRoundingOffNote) : std::string());
}

}  // namespace tempera::cli::report::sections
