// What a layer learns (parameters) and what it merely keeps (buffers).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tempera/core/variable.hpp"

namespace tempera::nn {

/// What a parameter is for. Weight decay, max-norm and quantizers choose by it. kStep is a number of a quantizer (scale,
/// offset, clipping value): no decay ever pulls it towards 0, where all values would be one.
enum class Role { kWeight, kBias, kGain, kStep };

/// A tensor of a layer. `variable` is a handle shared with the layer; its value is empty in a model that is only planned.
struct Parameter {
  std::string name;  ///< path in the model, "fc1.weight"; key in model files
  core::Shape shape;
  Role role = Role::kWeight;
  core::Variable variable;
  double learning_rate_scale = 1;  ///< it learns at this multiple of the optimizer's rate

  [[nodiscard]] std::int64_t numel() const noexcept { return shape.numel(); }
};

/// Which values a buffer may have. A file may say anything, and what goes wrong later is far from the cause.
enum class Allowed {
  kAny,
  kFinite,
  kNotNegative,      ///< a variance
  kPositiveOrUnset,  ///< a scale: all above 0, or all 0 as long as it was not chosen
};

/// State that is saved with the model but not trained by gradient: running statistics.
struct Buffer {
  std::string name;  ///< "bn1.running_mean"
  core::Shape shape;
  core::Variable variable;
  Allowed allowed = Allowed::kAny;
};

}  // namespace tempera::nn
