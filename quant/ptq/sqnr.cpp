#include "tempera/quant/ptq/sqnr.hpp"

#include <cmath>
#include <memory>

#include "tempera/quant/attach.hpp"
#include "tempera/quant/ptq/tap.hpp"

namespace tempera::quant {
namespace {

struct Power {
  double signal = 0, noise = 0;
};

void add(Power& power, const core::Tensor& x, const core::Tensor& y) {
  for (std::size_t i = 0; i < x.values().size(); ++i) {
    const auto value = static_cast<double>(x.values()[i]);
    const double error = static_cast<double>(y.values()[i]) - value;
    power.signal += value * value;
    power.noise += error * error;
  }
}

double decibels(const Power& power) {
  if (power.signal == 0) return std::nan("");
  return 10 * std::log10(power.signal / power.noise);
}

}  // namespace

std::vector<SiteNoise> site_noise(nn::Model& model, core::BatchSource& source, std::int64_t images) {
  std::vector<SiteNoise> all;
  const KeptTransforms kept(model);
  std::vector<std::shared_ptr<Power>> powers;
  for (nn::Site* site : model.sites()) {
    SiteQuantizer* quantizer = quantizer_of(*site);
    if (quantizer == nullptr) continue;
    const auto power = powers.emplace_back(std::make_shared<Power>());
    all.push_back({.site = site->name, .bits = quantizer->quantizer().bits()});
    const auto watch = [transform = site->transform, power](const core::Tensor& x) {
      nn::ForwardContext evaluation;
      add(*power, x, (*transform)(core::Variable(x), evaluation).value());
    };
    site->transform = std::make_shared<Tap>(nullptr, watch);
  }
  run_images(model, source, images);
  for (std::size_t i = 0; i < all.size(); ++i) all[i].decibels = decibels(*powers[i]);
  return all;
}

}  // namespace tempera::quant
