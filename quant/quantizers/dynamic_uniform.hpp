// Dynamic quantization of activations: every sample gets its grid when it comes, from the range of its own values (ONNX
// DynamicQuantizeLinear, for each row instead of for the tensor). What a sample becomes does not depend on the batch it is in.
#pragma once

#include <optional>
#include <string>

#include "tempera/quant/quantizers/uniform.hpp"

namespace tempera::quant {

/// What dynamic quantization cannot do with a quantizer of a rule.
struct DynamicComplaint {
  std::string field;  ///< of the rule: "quantizer/bits"
  std::string message;
};
/// Nothing for "uniform" of at most 8 bits with nothing chosen beforehand: no observer, no scale by hand, no granularity.
[[nodiscard]] std::optional<DynamicComplaint> dynamic_complaint(const core::Configurable& quantizer);

class DynamicUniform final : public Quantizer {
 public:
  /// `config` has no complaint, the site is no weight.
  DynamicUniform(const Uniform::Config& config, const SiteFacts& site);

  /// There is nothing to choose beforehand.
  void observe(const core::Tensor& /*x*/) override {}
  [[nodiscard]] bool ready() const override { return true; }
  /// The scale counts as a constant in the derivative. Throws as rows.
  [[nodiscard]] Variable forward(const Variable& x, ForwardContext& context) override;
  /// None: there is one for each sample.
  [[nodiscard]] std::optional<QParams> params() const override { return std::nullopt; }
  [[nodiscard]] Integers integers(const core::Tensor& x) const override;
  [[nodiscard]] int bits() const override { return grid_.bits; }

  /// x [batch, …] → the grid of each sample, as channels along the batch axis. A sample of zeros: scale 1. Throws
  /// NumericError naming the site and the sample for NaN or infinity.
  [[nodiscard]] QParams rows(const core::Tensor& x) const;
  /// The same into grids of an earlier call, whose memory is used again.
  void rows(const core::Tensor& x, QParams& params) const;
  /// What all samples have in common: bits, integers and rounding, without scales.
  [[nodiscard]] const QParams& grid() const noexcept { return grid_; }

 private:
  SiteFacts site_;
  QParams grid_;
  ScaleRule rule_;
  Surrogate surrogate_;
};

/// The dynamic quantizer that a rule's quantizer stands for. Throws ConfigError for one with a complaint, and for weights.
[[nodiscard]] std::unique_ptr<Quantizer> make_dynamic(const core::Configurable& quantizer, const SiteFacts& site);

}  // namespace tempera::quant
