// A network: a list of layers from a configuration, its parameters by name, its facts.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tempera/nn/layer.hpp"
#include "tempera/nn/layer_builder.hpp"
#include "tempera/nn/layer_list.hpp"

namespace tempera::nn {

/// The "model" section of a config.
struct ModelConfig {
  LayerList layers;                         ///< in order; made by a LayerRegistry
  const LayerRegistry* registry = nullptr;  ///< that made `layers` and outlives this; null: the built-in one

  [[nodiscard]] const LayerRegistry& layer_types() const;
  void fields(core::FieldVisitor& v);
};

/// Counts over a whole model.
struct ModelFacts {
  std::int64_t parameters = 0;     ///< trainable numbers
  std::int64_t multiply_adds = 0;  ///< per sample
  std::int64_t activations = 0;    ///< numbers that all layers together give for a sample
};

class Model {
 public:
  /// Plans first, so that shape errors and absurd sizes are found before any allocation, then builds. `input` is the
  /// shape of a sample, of one number at least. Throws ShapeError, ConfigError (no layers, names that clash),
  /// UnsupportedError (more memory than the machine has).
  Model(const ModelConfig& config, const core::Shape& input, std::uint64_t seed);

  /// Shapes and counts only: every parameter has a shape and no value; forward may not be called. Never too large.
  [[nodiscard]] static Model planned(const ModelConfig& config, const core::Shape& input);
  /// The same, after every check that building makes. Throws as the constructor.
  [[nodiscard]] static Model affordable(const ModelConfig& config, const core::Shape& input);

  /// [batch, input…] → [batch, output…]. Throws ShapeError naming the layer.
  [[nodiscard]] core::Variable forward(const core::Variable& x, ForwardContext& context);

  [[nodiscard]] const core::Shape& input() const noexcept { return input_; }
  [[nodiscard]] const core::Shape& output() const noexcept { return output_; }
  [[nodiscard]] std::span<const std::unique_ptr<Layer>> layers() const noexcept { return layers_; }
  /// What samples pass before the first layer.
  [[nodiscard]] const Site& input_site() const noexcept { return input_site_; }
  /// Every site, in order of execution, the model's input first; put transforms into them through these pointers.
  [[nodiscard]] std::vector<Site*> sites();
  /// Facts of every layer, containers before their children, in order of execution.
  [[nodiscard]] std::vector<const LayerInfo*> infos() const;
  /// Handles, in order of declaration, those of the sites' transforms last; their names are unique.
  [[nodiscard]] std::vector<Parameter> parameters() const;
  [[nodiscard]] std::vector<Buffer> buffers() const;
  /// Throws UnsupportedError if 64 bits cannot count them.
  [[nodiscard]] ModelFacts facts() const;

 private:
  Model(const ModelConfig& config, const core::Shape& input, LayerBuilder::Mode mode, std::uint64_t seed);

  [[nodiscard]] std::vector<const Site*> transformed() const;

  core::Shape input_, output_;
  Site input_site_;
  std::vector<std::unique_ptr<Layer>> layers_;
};

}  // namespace tempera::nn
