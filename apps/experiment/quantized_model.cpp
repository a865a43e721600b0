#include "tempera/apps/experiment/quantized_model.hpp"

#include "tempera/apps/interrupt.hpp"
#include "tempera/datasets/loader.hpp"
#include "tempera/quant/attach.hpp"
#include "tempera/quant/calibrate.hpp"

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

}  // namespace tempera::cli
