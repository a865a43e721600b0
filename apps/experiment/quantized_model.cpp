#include "tempera/apps/experiment/quantized_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "tempera/apps/interrupt.hpp"
#include "tempera/apps/report/run_data.hpp"
#include "tempera/apps/terminal.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/datasets/loader.hpp"
#include "tempera/quant/attach.hpp"
#include "tempera/quant/calibrate.hpp"
#include "tempera/quant/ptq/bias_correction.hpp"
#include "tempera/quant/ptq/equalize.hpp"
#include "tempera/quant/site_profile.hpp"

namespace tempera::cli {

nn::Model model_of(const ExperimentConfig& config, const core::Shape& sample) {
  nn::Model model(config.model, sample, static_cast<std::uint64_t>(config.seed));
  if (config.quantization) quant::attach(model, *config.quantization);
  return model;
}

void require_ranges(const ExperimentConfig& config, nn::Model& model) {
  if (!config.quantization || !config.quantization->frozen_after(0)) return;
  for (const nn::Site* site : model.sites()) {
    const quant::SiteQuantizer* quantizer = quant::quantizer_of(*site);
    if (quantizer == nullptr || quantizer->quantizer().ready()) continue;
    throw core::ConfigError(
        {{.file = {},
          .pointer = "/quantization/freeze_observers",
          .message = fmt::format("0 keeps the ranges that training begins with, but \"{}\" begins with none and would "
                                 "never be quantized (give it one by hand, start from a model that has one by "
                                 "train.initial, or let ranges be observed for at least one epoch)",
                                 site->name)}});
  }
}

bool changes_weights(const ExperimentConfig& config) {
  if (!config.quantization || config.quantization->when != quant::When::kAfter) return false;
  const quant::CalibrationConfig& calibration = config.quantization->calibration;
  return calibration.equalize || calibration.adaround || calibration.bias_correction;
}

Calibrated choose_ranges(const ExperimentConfig& config, const data::LoadedData& data, nn::Model& model,
                         std::int64_t epochs) {
  Calibrated done;
  if (!config.quantization) return done;
  if (config.quantization->when == quant::When::kAware) {
    if (!config.quantization->frozen_after(epochs)) quant::settle(model);
    return done;
  }
  const quant::CalibrationConfig& calibration = config.quantization->calibration;
  say(fmt::format("calibrating on {} of {} training images",
                  count_text(std::min(calibration.images, data.set.train.size())), count_text(data.set.train.size())));
  data::Loader images(data.set.train, data.normalization, {},
                      {.batch = calibration.batch, .seed = static_cast<std::uint64_t>(config.seed)});
  if (calibration.equalize) {
    auto& pairs = done.repairs.equalized.emplace();
    for (const quant::EqualizedPair& pair : quant::equalize(model)) {
      pairs.push_back(
          {.first = pair.first, .second = pair.second, .before = pair.spread_before, .after = pair.spread_after});
    }
  }
  quant::calibrate(model, images, calibration.images, &interrupt_requested());
  if (calibration.adaround) {
    auto& layers = done.repairs.rounded.emplace();
    for (quant::RoundedLayer& layer : quant::adaround(model, images, *calibration.adaround, &interrupt_requested())) {
      layers.push_back(
          {.layer = layer.layer, .changed = layer.changed, .weights = layer.weights, .skipped = layer.skipped});
      if (layer.skipped.empty()) done.floats.emplace(layer.site, std::move(layer.before));
    }
  }
  if (calibration.bias_correction) {
    auto& shifts = done.repairs.corrected.emplace();
    for (const quant::BiasShift& shift : quant::correct_biases(model, images, calibration.images)) {
      shifts.push_back({.layer = shift.layer, .before = shift.largest_before, .after = shift.largest_after});
    }
  }
  return done;
}

std::string overflow_text(const quant::SiteOverflows& lost) {
  return fmt::format("{}: {} of {} values are beyond its format and became infinite", lost.site,
                     count_text(lost.overflows.count), count_text(lost.overflows.of));
}

report::Quantization quantization_of(const ExperimentConfig& config, const data::LoadedData& data, nn::Model& model,
                                     const std::map<std::string, core::Tensor>& floats, std::int64_t epochs) {
  constexpr std::int64_t kImages = 512, kBatch = 128;
  data::Loader images(data.set.test, data.normalization, kBatch);
  std::map<std::string, std::string> types;
  for (quant::SitePlan& site : quant::plan(model, *config.quantization)) types[site.site] = std::move(site.quantizer);
  report::Quantization result;
  for (quant::SiteProfile& profile : quant::profile_sites(model, images, kImages, &interrupt_requested(), floats,
                                                          std::max<std::int64_t>(epochs - 1, 0))) {
    result.sites.push_back({.site = profile.site,
                            .kind = profile.kind == nn::SiteKind::kWeight ? "weight" : "activation",
                            .quantizer = types[profile.site],
                            .grid = profile.quantizer_grid,
                            .bits = profile.bits,
                            .values = profile.values,
                            .sqnr = std::isfinite(profile.sqnr) ? profile.sqnr : report::kUnknown,
                            .folded = profile.folded,
                            .low = profile.low,
                            .high = profile.high,
                            .before = std::move(profile.before),
                            .after = std::move(profile.after),
                            .argument = std::move(profile.staircase.argument),
                            .value = std::move(profile.staircase.value),
                            .derivative = std::move(profile.staircase.derivative),
                            .hard = std::move(profile.staircase.hard),
                            .channel = profile.staircase.channel,
                            .temperature = profile.staircase.temperature});
  }
  return result;
}

}  // namespace tempera::cli
