// Losses: one number that says how far a network's outputs are from the labels. One file and one registration each:
//
//   class CrossEntropy final : public Loss {
//    public:
//     struct Config { double label_smoothing = 0; void fields(core::FieldVisitor& v); };
//     explicit CrossEntropy(const Config& config);
//     core::Variable operator()(const core::Variable& outputs, Labels labels) const override;
//   };
#pragma once

#include "tempera/core/registry.hpp"
#include "tempera/core/variable.hpp"
#include "tempera/nn/metrics.hpp"

namespace tempera::nn {

/// Base of all losses.
class Loss {
 public:
  Loss() = default;
  Loss(const Loss&) = delete;
  Loss& operator=(const Loss&) = delete;
  virtual ~Loss() = default;
  /// outputs [batch, classes], labels [batch] → scalar, the mean over the batch. Throws ShapeError for shapes that do not
  /// fit, an empty batch, or a label outside of the classes.
  [[nodiscard]] virtual core::Variable operator()(const core::Variable& outputs, Labels labels) const = 0;
};

/// The losses a program knows.
class LossRegistry final : public core::Registry<Loss> {
 public:
  /// Knows every loss of builtin_losses.def.
  LossRegistry();
  /// One for all who add nothing.
  [[nodiscard]] static const LossRegistry& builtin();
};

/// [batch, classes] with 1 − smoothing + smoothing/classes at the label and smoothing/classes elsewhere. Throws
/// ShapeError as Loss does.
[[nodiscard]] core::Tensor one_hot(const core::Tensor& outputs, Labels labels, double smoothing = 0);

}  // namespace tempera::nn
