// What a layer learns (parameters) and what it merely keeps (buffers).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tempera/core/variable.hpp"

namespace tempera::nn {

/// What a parameter is for. Weight decay, max-norm and (later) quantizers choose by it.
enum class Role { kWeight, kBias, kGain };

/// A tensor of a layer. `variable` is a handle shared with the layer; its value is empty in a model that is only planned.
struct Parameter {
  std::string name;  ///< path in the model, "fc1.weight"; key in model files
  core::Shape shape;
  Role role = Role::kWeight;
  core::Variable variable;

  [[nodiscard]] std::int64_t numel() const noexcept { return shape.numel(); }
};

/// State that is saved with the model but not trained by gradient: running statistics.
struct Buffer {
  std::string name;  ///< "bn1.running_mean"
  core::Shape shape;
  core::Variable variable;
};

}  // namespace tempera::nn
