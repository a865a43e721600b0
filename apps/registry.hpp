// Everything a config can name by "type", in one place that a program of one's own adds to.
#pragma once

#include <concepts>
#include <string>
#include <utility>

#include "tempera/datasets/transform.hpp"
#include "tempera/nn/layer_registry.hpp"
#include "tempera/nn/loss.hpp"
#include "tempera/nn/optimizer.hpp"
#include "tempera/nn/schedule.hpp"
#include "tempera/quant/quantizer.hpp"

namespace tempera::cli {

/// Knows every built-in type at first. Configs refer to it: it must outlive them.
class Registry {
 public:
  /// Makes T known as `name` in the catalog of its kind. Throws Error if the name is taken.
  template <class T>
  void add(const std::string& name, std::string help) {
    if constexpr (std::derived_from<T, nn::Layer>) {
      layers_.add<T>(name, std::move(help));
    } else if constexpr (std::derived_from<T, nn::Initializer>) {
      layers_.initializers().add<T>(name, std::move(help));
    } else if constexpr (std::derived_from<T, nn::Loss>) {
      losses_.add<T>(name, std::move(help));
    } else if constexpr (std::derived_from<T, nn::Optimizer>) {
      optimizers_.add<T>(name, std::move(help));
    } else if constexpr (std::derived_from<T, nn::Curve>) {
      schedules_.add<T>(name, std::move(help));
    } else if constexpr (std::derived_from<T, quant::Quantizer>) {
      quantizers_.add<T>(name, std::move(help));
    } else {
      static_assert(std::derived_from<T, data::Transform>, "no catalog takes this type");
      data::transforms().add<T>(name, std::move(help));
    }
  }

  [[nodiscard]] const nn::LayerRegistry& layers() const noexcept { return layers_; }
  [[nodiscard]] const nn::LossRegistry& losses() const noexcept { return losses_; }
  [[nodiscard]] const nn::OptimizerRegistry& optimizers() const noexcept { return optimizers_; }
  [[nodiscard]] const nn::ScheduleRegistry& schedules() const noexcept { return schedules_; }
  [[nodiscard]] const quant::QuantizerRegistry& quantizers() const noexcept { return quantizers_; }

 private:
  nn::LayerRegistry layers_;
  nn::LossRegistry losses_;
  nn::OptimizerRegistry optimizers_;
  nn::ScheduleRegistry schedules_;
  quant::QuantizerRegistry quantizers_;
};

}  // namespace tempera::cli
