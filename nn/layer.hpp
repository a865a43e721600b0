// Layers: one file and one registration each.
//
//   class Scale final : public Layer {
//    public:
//     struct Config { double initial = 1; void fields(core::FieldVisitor& v); };
//     Scale(const Config& config, LayerBuilder& b);                   // checks the input shape, declares everything
//     Variable forward(const Variable& x, ForwardContext& context) override;
//     static std::vector<LayerExample<Config>> examples();            // for the contract tests
//   };
//
// The constructor is the only description of a layer: it runs once to plan (shapes and counts, no memory) and once more
// to build, so that shape inference cannot disagree with the layer. What it may declare is in layer_builder.hpp.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tempera/core/errors.hpp"
#include "tempera/core/random.hpp"
#include "tempera/core/variable.hpp"
#include "tempera/nn/parameter.hpp"

namespace tempera::core {
class FieldVisitor;
}

namespace tempera::nn {

using core::Variable;

/// What a forward pass needs to know besides its input.
struct ForwardContext {
  bool training = false;   ///< dropout drops, batch norm uses and updates batch statistics
  std::uint64_t seed = 0;  ///< of the run
  std::int64_t step = 0;   ///< optimizer step; with the layer's path it addresses random masks
  bool fuse = true;        ///< false: every layer runs by itself, which gives the same bits, only slower

  /// The random numbers of one layer in this step.
  [[nodiscard]] core::Random random(std::string_view layer_path) const noexcept {
    return core::Random(seed, layer_path).substream(static_cast<std::uint64_t>(step));
  }
};

/// Activations that the layer before them may apply to its own result while that is still in the cache.
enum class Activation { kNone, kRelu };

/// What is known of a layer before and after it runs. Shapes are per sample, without the batch axis.
struct LayerInfo {
  std::string path;  ///< "block1/conv2"; unique in the model
  std::string type;  ///< name in the registry
  core::Shape input, output;
  std::int64_t multiply_adds = 0;  ///< of this layer alone, per sample
  std::vector<Parameter> parameters;
  std::vector<Buffer> buffers;

  /// `conv2d "block1/conv2"`, as error texts name it.
  [[nodiscard]] std::string label() const;
};

/// A shape that does not fit a layer; what() begins with the layer's label.
class LayerShapeError : public core::ShapeError {
 public:
  LayerShapeError(const LayerInfo& layer, const std::string& message);
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

/// Base of all layers.
class Layer {
 public:
  Layer() = default;
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;
  virtual ~Layer() = default;

  /// [batch, input…] → [batch, output…]. Call through operator(), which checks the shape.
  [[nodiscard]] virtual Variable forward(const Variable& x, ForwardContext& context) = 0;
  /// forward followed by `activation` in one operation, of the same bits. Empty if the layer has no such operation.
  [[nodiscard]] virtual Variable forward_fused(const Variable& /*x*/, Activation /*activation*/,
                                               ForwardContext& /*context*/) {
    return {};
  }
  /// Names the numbers of this layer that a schedule may change while training.
  virtual void numbers(core::FieldVisitor& /*v*/) {}
  /// What this layer is to a layer before it that could do its work.
  [[nodiscard]] virtual Activation activation() const noexcept { return Activation::kNone; }

  /// Checks the input's shape, runs forward within the layer's scope. Throws LayerShapeError.
  [[nodiscard]] Variable operator()(const Variable& x, ForwardContext& context);
  /// The same for forward_fused.
  [[nodiscard]] Variable fused(const Variable& x, Activation activation, ForwardContext& context);

  [[nodiscard]] const LayerInfo& info() const noexcept { return info_; }
  [[nodiscard]] std::span<const std::unique_ptr<Layer>> children() const noexcept { return children_; }

 private:
  friend class LayerBuilder;
  LayerInfo info_;
  std::vector<std::unique_ptr<Layer>> children_;
};

/// Runs layers one after the other, fusing an activation into the layer before it where that layer can.
[[nodiscard]] Variable forward_all(std::span<const std::unique_ptr<Layer>> layers, Variable x, ForwardContext& context);

/// An input and a configuration on which the contract tests exercise a layer.
template <class Config>
struct LayerExample {
  Config config;
  core::Shape input;  ///< per sample
};

}  // namespace tempera::nn
