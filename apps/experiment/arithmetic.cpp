#include "tempera/apps/experiment/arithmetic.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "tempera/apps/experiment/lowered_model.hpp"
#include "tempera/apps/experiment/quantized_model.hpp"
#include "tempera/core/batch.hpp"
#include "tempera/quant/calibrate.hpp"
#include "tempera/quant/dynamic_forward.hpp"

namespace tempera::cli {
namespace {

// One image of zeros.
class ZeroImage final : public core::BatchSource {
 public:
  explicit ZeroImage(const core::Shape& sample) : image_(core::Tensor::zeros(sample.with_batch(1))) {}
  [[nodiscard]] std::int64_t samples() const override { return 1; }
  [[nodiscard]] std::int64_t batches_per_epoch() const override { return 1; }
  void start(std::int64_t /*epoch*/, std::int64_t /*first_batch*/) override { given_ = false; }
  [[nodiscard]] bool next(core::Batch& batch) override {
    batch = {.inputs = image_, .labels = {0}, .indices = {0}};
    return !std::exchange(given_, true);
  }

 private:
  core::Tensor image_;
  bool given_ = false;
};

// Calibrated with zeros for image and weights, of which nothing can be said that depends on values: a sum or a multiplier
// out of range.
nn::Model model_of_zeros(const ExperimentConfig& config, const core::Shape& sample) {
  nn::Model model = model_of(config, sample);
  for (const nn::Site* site : model.sites()) {
    if (site->kind != nn::SiteKind::kWeight) continue;
    std::ranges::fill(site->parameter.mutable_value().mutable_values(), Scalar{0});
  }
  ZeroImage image(sample);
  quant::calibrate(model, image, 1);
  return model;
}

}  // namespace

std::optional<Arithmetic> planned_arithmetic(const ExperimentConfig& config, const core::Shape& sample) {
  if (!runs_integers(config)) return std::nullopt;
  const nn::Model model = model_of_zeros(config, sample);
  std::vector<std::string> dynamic;
  if (config.quantization->dynamic()) dynamic = quant::DynamicForward(model).integer_layers();
  if (config.lower) static_cast<void>(program_of(config, model, {}));
  Arithmetic arithmetic;
  for (const nn::LayerInfo* layer : model.infos()) {
    if (layer->multiply_adds == 0) continue;
    const bool integers = config.lower || std::ranges::find(dynamic, layer->path) != dynamic.end();
    (integers ? arithmetic.integers : arithmetic.floats).push_back(layer->path);
  }
  return arithmetic;
}

std::string arithmetic_text(const Arithmetic& arithmetic) {
  std::string text = fmt::format("integers are multiplied in {}", fmt::join(arithmetic.integers, ", "));
  if (!arithmetic.floats.empty()) text += fmt::format("; floats in {}", fmt::join(arithmetic.floats, ", "));
  return text;
}

}  // namespace tempera::cli
