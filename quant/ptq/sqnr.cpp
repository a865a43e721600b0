#include "tempera/quant/ptq/sqnr.hpp"

#include <cmath>
#include <limits>
#include <memory>
#include <span>

#include "tempera/quant/attach.hpp"
#include "tempera/quant/ptq/tap.hpp"

namespace tempera::quant {

void SignalToNoise::add(const core::Tensor& x, const core::Tensor& quantized) {
  const std::span<const Scalar> before = x.values(), after = quantized.values();
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (!std::isfinite(before[i]) || !std::isfinite(after[i])) continue;
    const auto value = static_cast<double>(before[i]);
    const double change = static_cast<double>(after[i]) - value;
    signal_ += value * value;
    noise_ += change * change;
  }
}

double SignalToNoise::decibels() const {
  if (noise_ == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(signal_ / noise_);
}

std::vector<SiteNoise> site_noise(nn::Model& model, core::BatchSource& source, std::int64_t images) {
  std::vector<SiteNoise> all;
  const KeptTransforms kept(model);
  std::vector<std::shared_ptr<SignalToNoise>> ratios;
  for (nn::Site* site : model.sites()) {
    SiteQuantizer* quantizer = quantizer_of(*site);
    if (quantizer == nullptr) continue;
    const auto ratio = ratios.emplace_back(std::make_shared<SignalToNoise>());
    all.push_back({.site = site->name, .bits = quantizer->quantizer().bits()});
    const auto watch = [transform = site->transform, ratio](const core::Tensor& x) {
      nn::ForwardContext evaluation;
      ratio->add(x, (*transform)(core::Variable(x), evaluation).value());
    };
    site->transform = std::make_shared<Tap>(nullptr, watch);
  }
  run_images(model, source, images);
  for (std::size_t i = 0; i < all.size(); ++i) all[i].decibels = ratios[i]->decibels();
  return all;
}

}  // namespace tempera::quant
