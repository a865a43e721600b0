// The "quantization" section of a config.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tempera/core/fields.hpp"
#include "tempera/quant/ptq/adaround.hpp"
#include "tempera/quant/quantizer.hpp"
#include "tempera/quant/requantize.hpp"

namespace tempera::quant {

/// When quantization acts: while training, or on the finished model.
enum class When { kAware, kAfter };
/// Where the range of an activation comes from: chosen once and kept, or anew for every sample by its own values.
enum class How { kStatic, kDynamic };
/// As configs spell it.
[[nodiscard]] std::string_view how_name(How how) noexcept;
/// A quantizer for every site that `sites` matches. Later rules win.
struct Rule {
  std::string sites;  ///< glob over site names: "*.weight", "act1.output"; '*' matches anything but nothing else
  core::Clonable<> quantizer;  ///< not set: the site stays as it is
  How how = How::kStatic;
};

/// Ranges for a finished model.
struct CalibrationConfig {
  std::int64_t images = 1024;
  std::int64_t batch = 64;
  bool equalize = false;                   ///< cross-layer equalization, before ranges are chosen
  bool bias_correction = false;            ///< on the calibration images, after they are
  std::optional<AdaRoundConfig> adaround;  ///< which way each weight is rounded, chosen by reconstruction
  void fields(core::FieldVisitor& v);
};

struct QuantizationConfig {
  std::vector<Rule> rules;
  When when = When::kAware;
  std::int64_t start_epoch = 0;                   ///< epochs trained in floats first; ranges are observed meanwhile
  std::optional<std::int64_t> freeze_observers;   ///< epochs after which ranges stay; 0: as they begin
  bool fold_batch_norm = true;                    ///< into the weights before them (Krishnamoorthi 2018, §3.2)
  std::optional<std::int64_t> freeze_batch_norm;  ///< epochs after which batch norm keeps its running statistics
  CalibrationConfig calibration;

  const QuantizerRegistry* registry = nullptr;  ///< that made the quantizers and outlives this; null: the built-in one
  [[nodiscard]] const QuantizerRegistry& quantizers() const;
  /// Any rule is dynamic: floats go in and come out, and there is no program of integers alone.
  [[nodiscard]] bool dynamic() const noexcept;
  /// A model that was trained for so many epochs was trained on ranges that stay.
  [[nodiscard]] bool frozen_after(std::int64_t epochs) const noexcept {
    return when == When::kAware && freeze_observers && (epochs > *freeze_observers || *freeze_observers == 0);
  }
  void fields(core::FieldVisitor& v);
};

/// The "lower" section: what the trained network becomes.
struct LowerConfig {
  RequantMode requant = RequantMode::kSingle;
  Rounding average_rounding = Rounding::kHalfAway;  ///< of average pooling
  void fields(core::FieldVisitor& v);
};

}  // namespace tempera::quant
