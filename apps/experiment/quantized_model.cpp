#include "tempera/apps/experiment/quantized_model.hpp"

#include <cmath>
#include <utility>

#include "tempera/apps/interrupt.hpp"
#include "tempera/apps/report/run_data.hpp"
#include "tempera/datasets/loader.hpp"
#include "tempera/quant/attach.hpp"
#include "tempera/quant/calibrate.hpp"
#include "tempera/quant/noise.hpp"

namespace tempera::cli {

nn::Model model_of(const ExperimentConfig& config, const core::Shape& sample) {
  nn::Model model(config.model, sample, static_cast<std::uint64_t>(config.seed));
  if (config.quantization) quant::attach(model, *config.quantization);
  return model;
}

void choose_ranges(const ExperimentConfig& config, const data::LoadedData& data, nn::Model& model) {
  if (!config.quantization) return;
  if (config.quantization->when == quant::When::kAfter) {
    const quant::CalibrationConfig& calibration = config.quantization->calibration;
    data::Loader images(data.set.train, data.normalization, {},
                        {.batch = calibration.batch, .seed = static_cast<std::uint64_t>(config.seed)});
    quant::calibrate(model, images, calibration.images, &interrupt_requested());
  }
  quant::settle(model, *config.quantization);
}

report::Quantization quantization_of(const data::LoadedData& data, nn::Model& model) {
  constexpr std::int64_t kImages = 512, kBatch = 128;
  data::Loader images(data.set.test, data.normalization, kBatch);
  report::Quantization result;
  for (quant::SiteNoise& noise : quant::measure_noise(model, images, kImages, &interrupt_requested())) {
    result.sites.push_back({.site = noise.site,
                            .kind = noise.kind == nn::SiteKind::kWeight ? "weight" : "activation",
                            .grid = noise.quantizer_grid,
                            .bits = noise.bits,
                            .values = noise.values,
                            .sqnr = std::isfinite(noise.sqnr) ? noise.sqnr : report::kUnknown,
                            .low = noise.low,
                            .high = noise.high,
                            .before = std::move(noise.before),
                            .after = std::move(noise.after),
                            .argument = std::move(noise.argument),
                            .value = std::move(noise.value),
                            .derivative = std::move(noise.derivative)});
  }
  return result;
}

}  // namespace tempera::cli
