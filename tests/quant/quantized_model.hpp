// Small models with quantizers by rules, calibrated on numbers from a fixed sequence.
#pragma once

#include <memory>
#include <string>

#include "tempera/core/config/reader.hpp"
#include "tempera/core/random.hpp"
#include "tempera/nn/model.hpp"
#include "tempera/quant/attach.hpp"
#include "tempera/quant/config.hpp"

namespace tempera::quant_test {

using namespace quant;

/// Uniform in [low, high).
inline core::Tensor random_tensor(const core::Shape& shape, double low, double high, std::string_view stream) {
  core::Tensor x(shape);
  core::Random(3, stream).fill_uniform(x.mutable_values(), low, high);
  return x;
}

inline nn::ModelConfig layers_of(const std::string& layers) {
  nn::ModelConfig config;
  core::read_json(R"({"layers": [)" + layers + "]}", "test", [&](core::FieldVisitor& v) { config.fields(v); });
  return config;
}

inline QuantizationConfig rules_of(const std::string& json) {
  QuantizationConfig config;
  core::read_json(json, "test", [&](core::FieldVisitor& v) { config.fields(v); });
  return config;
}

/// Every parameter and running statistic away from what a fresh layer has.
inline void scramble(nn::Model& model) {
  for (const nn::Parameter& p : model.parameters()) {
    const bool gain = p.role == nn::Role::kGain;
    core::Random(5, p.name).fill_uniform(p.variable.mutable_value().mutable_values(), gain ? -1.5 : -0.6,
                                         gain ? 1.5 : 0.6);
  }
  for (const nn::Buffer& b : model.buffers()) {
    const bool variance = b.name.ends_with("variance");
    core::Random(5, b.name).fill_uniform(b.variable.mutable_value().mutable_values(), variance ? 0.2 : -0.4,
                                         variance ? 2.0 : 0.4);
  }
}

/// Lets every quantizer see the values of its site.
inline void calibrate_on(nn::Model& model, const core::Tensor& x) {
  for (const bool on : {true, false}) {
    for (nn::Site* site : model.sites()) {
      if (SiteQuantizer* quantizer = quantizer_of(*site)) quantizer->observing(on);
    }
    nn::ForwardContext context;
    if (on) static_cast<void>(model.forward(core::Variable(x), context));
  }
}

/// Learned steps away from where they begin: some biases pass others.
inline void stagger(nn::Model& model) {
  for (const nn::Parameter& p : model.parameters()) {
    if (!p.name.ends_with(".biases") && !p.name.ends_with(".input_range")) continue;
    core::Tensor factor(p.shape);
    core::Random(7, p.name).fill_uniform(factor.mutable_values(), 0.7, 1.3);
    core::Tensor& value = p.variable.mutable_value();
    for (std::size_t i = 0; i < value.values().size(); ++i) value.mutable_values()[i] *= factor.values()[i];
  }
}

struct Quantized {
  Quantized(const std::string& layers, const core::Shape& input, const std::string& rules, double low = -1,
            double high = 1)
      : model(layers_of(layers), input, 1), images(random_tensor(input.with_batch(64), low, high, "images")) {
    scramble(model);
    attach(model, rules_of(rules));
    calibrate_on(model, images);
    stagger(model);
  }
  nn::Model model;
  core::Tensor images;
};

}  // namespace tempera::quant_test
