// Puts quantizers into the sites of a model, as the rules of a config say.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tempera/nn/graph.hpp"
#include "tempera/nn/model.hpp"
#include "tempera/quant/config.hpp"

namespace tempera::quant {

/// In the place of a rule's position: a default (of the model's input), and no quantizer at all.
inline constexpr int kDefaultRule = -1, kNoRule = -2;

/// What became of a site.
struct SitePlan {
  std::string site;
  nn::SiteKind kind;
  core::Shape shape;
  int rule = kDefaultRule;  ///< position in the config's rules, or one of the above
  std::string quantizer;    ///< type; empty: the site is left as it is
  int bits = 32;
  How how = How::kStatic;
};

/// The transform that attach puts into a site: a quantizer, and when it acts. Phases: before `start_epoch` it observes and
/// lets values pass, and what is chosen once and then learned is chosen again every few steps; from then on it quantizes, and
/// in training goes on observing until `freeze_observers`. In evaluation it quantizes if it is ready, and never observes
/// unless told to by `observing`.
class SiteQuantizer final : public nn::ValueTransform {
 public:
  SiteQuantizer(std::unique_ptr<Quantizer> quantizer, const SiteFacts& site, const QuantizationConfig& config);

  [[nodiscard]] Variable operator()(const Variable& value, ForwardContext& context) override;
  [[nodiscard]] Variable pooled_pairs(const Variable& value, ForwardContext& context) override;
  [[nodiscard]] std::vector<nn::Parameter> parameters() const override;
  [[nodiscard]] std::vector<nn::Buffer> buffers() const override;
  void numbers(core::FieldVisitor& v) override;

  [[nodiscard]] Quantizer& quantizer() const noexcept { return *quantizer_; }
  [[nodiscard]] const SiteFacts& site() const noexcept { return site_; }
  /// Calibration: observe every value and let it pass.
  void observing(bool on) noexcept { observing_ = on; }
  /// A weight is quantized as this batch norm will have scaled it.
  void fold(const nn::graph::BatchNorm& norm) { norm_ = norm; }
  /// That batch norm, or none.
  [[nodiscard]] const std::optional<nn::graph::BatchNorm>& folded() const noexcept { return norm_; }
  /// Takes in a value as quantizer().observe does, folded.
  void observe(const core::Tensor& value);
  /// quantizer().integers of a weight, folded: what is shipped of it. Throws NumericError naming the site for NaN or infinity,
  /// which are no integers.
  [[nodiscard]] Integers integers(const core::Tensor& weight) const;

 private:
  [[nodiscard]] bool never_aware(const ForwardContext& context) const noexcept;
  [[nodiscard]] bool observes(const ForwardContext& context) const noexcept;
  [[nodiscard]] bool waits(const ForwardContext& context) const noexcept;
  [[nodiscard]] core::Tensor folded(const core::Tensor& value) const;

  std::unique_ptr<Quantizer> quantizer_;
  SiteFacts site_;
  std::int64_t start_epoch_;
  std::int64_t freeze_epoch_;
  bool observing_ = false;
  std::optional<nn::graph::BatchNorm> norm_;
};

/// What attach would do, from a model that may be only planned. Throws ConfigError listing every rule whose selector
/// matches no site (with the nearest names), every quantizer that cannot be where it is put (per channel on activations
/// that are lowered, a weight quantizer on activations, a dynamic one on weights), with pointers relative to the section
/// ("/rules/0/sites").
[[nodiscard]] std::vector<SitePlan> plan(nn::Model& model, const QuantizationConfig& config);

/// Puts a SiteQuantizer into every site that a rule (or the default of the model's input: uniform, 8 bit, affine; none where
/// a rule is dynamic) takes, and folds batch norm into the weights before it where the config says so. Throws as plan.
std::vector<SitePlan> attach(nn::Model& model, const QuantizationConfig& config);

/// Chooses the ranges of all weights once more, by what they are now. To be called when training has ended, unless ranges
/// were frozen: while it lasts, they are those of before the last update.
void settle(nn::Model& model);

/// The quantizer in a site, or null.
[[nodiscard]] SiteQuantizer* quantizer_of(const nn::Site& site) noexcept;

}  // namespace tempera::quant
