// Sites: the named places of a network that values pass through, and what may be done to them there.
//
// A layer "fc1" has the sites "fc1.input", "fc1.weight" and "fc1.output"; the model has "input" before all. A site lets
// values pass unless something is put into it: a quantizer, or whatever else a ValueTransform does. Nothing of this folder
// knows what.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tempera/core/ops/pool2d.hpp"
#include "tempera/core/shape.hpp"
#include "tempera/core/variable.hpp"
#include "tempera/nn/forward_context.hpp"
#include "tempera/nn/parameter.hpp"

namespace tempera::core {
class FieldVisitor;
}

namespace tempera::nn {

using core::Variable;

/// What happens to the values of a site.
class ValueTransform {
 public:
  ValueTransform() = default;
  ValueTransform(const ValueTransform&) = delete;
  ValueTransform& operator=(const ValueTransform&) = delete;
  virtual ~ValueTransform() = default;

  /// A value of the site (activations with a batch axis in front) → one of the same shape.
  [[nodiscard]] virtual Variable operator()(const Variable& value, ForwardContext& context) = 0;
  /// What max_pool2d by pairs makes of that, for who can do both in one pass, of the same bits.
  [[nodiscard]] virtual Variable pooled_pairs(const Variable& value, ForwardContext& context) {
    return core::max_pool2d((*this)(value, context));
  }
  /// Learned numbers and state of its own; they are trained and saved with the model. Their names begin with the site's.
  [[nodiscard]] virtual std::vector<Parameter> parameters() const { return {}; }
  [[nodiscard]] virtual std::vector<Buffer> buffers() const { return {}; }
  /// Names the numbers that a schedule may change while training.
  virtual void numbers(core::FieldVisitor& /*v*/) {}
};

enum class SiteKind { kInput, kWeight, kOutput };

struct Site {
  std::string name;  ///< "block1/conv2.weight"
  SiteKind kind = SiteKind::kOutput;
  core::Shape shape;                          ///< of the parameter, or of a sample
  Variable parameter;                         ///< of kind weight; its value is empty in a model that is only planned
  std::shared_ptr<ValueTransform> transform;  ///< null: values pass as they are

  /// What the site makes of a value.
  [[nodiscard]] Variable operator()(const Variable& value, ForwardContext& context) const {
    return acts(context) ? (*transform)(value, context) : value;
  }
  [[nodiscard]] bool acts(const ForwardContext& context) const noexcept {
    return transform != nullptr && context.transform;
  }
};

}  // namespace tempera::nn
