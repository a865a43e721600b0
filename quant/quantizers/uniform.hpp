// Uniform quantization: integers at equal distances (Jacob et al. 2018, eq. 1).
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "tempera/quant/fake_quant.hpp"
#include "tempera/quant/observer.hpp"
#include "tempera/quant/quantizer.hpp"

namespace tempera::quant {

class Uniform final : public Quantizer {
 public:
  struct Config {
    std::int64_t bits = 8;
    std::optional<bool> is_signed;  ///< not set: weights yes; activations no
    std::optional<bool> narrow;
    std::optional<bool> symmetric;
    bool full_range = false;
    Granularity granularity = Granularity::kTensor;
    std::int64_t group = 64;
    core::Clonable<> observer;
    Rounding rounding = Rounding::kHalfEven;
    Surrogate surrogate = Surrogate::kClipped;
    bool power_of_two = false;
    std::optional<double> scale;
    std::int64_t zero_point = 0;
    void fields(core::FieldVisitor& v);
  };
  Uniform(const Config& config, const SiteFacts& site);

  void observe(const core::Tensor& x) override;
  [[nodiscard]] bool ready() const override;
  [[nodiscard]] Variable forward(const Variable& x, ForwardContext& context) override;
  [[nodiscard]] Variable observed_forward(const Variable& x, ForwardContext& context) override;
  [[nodiscard]] Variable pooled_pairs(const Variable& x, bool observes, ForwardContext& context) override;
  [[nodiscard]] std::optional<QParams> params() const override;
  [[nodiscard]] int bits() const override { return grid_.bits; }
  [[nodiscard]] std::vector<nn::Buffer> buffers() const override;

 private:
  [[nodiscard]] std::int64_t slots() const noexcept;
  struct Choice;
  [[nodiscard]] Choice choose();

  SiteFacts site_;
  QParams grid_;  // without scales
  ScaleRule rule_;
  Surrogate surrogate_;
  std::unique_ptr<Observer> observer_;  // null where the scale is given by hand
  core::Variable scale_, zero_point_;   // [slots]; a scale of 0: not known yet
};

/// The integers of a site's values, without scales, and how a range becomes a scale. Throws ConfigError as set_range.
[[nodiscard]] QParams uniform_grid(const Uniform::Config& config, const SiteFacts& site);
[[nodiscard]] ScaleRule uniform_rule(const Uniform::Config& config, const SiteFacts& site) noexcept;

}  // namespace tempera::quant
