// Layers: one file and one registration each.
//
//   class Linear final : public Layer {
//    public:
//     struct Config { std::int64_t out = 0; …; void fields(core::FieldVisitor& v); };
//     Linear(const Config& config, LayerBuilder& b);                  // checks the input shape, declares everything
//     Variable forward(const Variable& x, ForwardContext& context) override;
//     static std::vector<LayerExample<Config>> examples();            // for the contract tests and the reference docs
//   };
//
// The constructor is the only description of a layer: it runs once to plan (shapes and counts, no memory) and once more
// to build, so that shape inference cannot disagree with the layer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tempera/core/fields.hpp"
#include "tempera/core/random.hpp"
#include "tempera/core/variable.hpp"
#include "tempera/nn/parameter.hpp"

namespace tempera::nn {

class Initializer;
class LayerRegistry;

/// What a forward pass needs to know besides its input.
struct ForwardContext {
  bool training = false;   ///< dropout drops, batch norm uses and updates batch statistics
  std::uint64_t seed = 0;  ///< of the run
  std::int64_t step = 0;   ///< optimizer step; with the layer's path it addresses random masks

  /// The random numbers of one layer in this step.
  [[nodiscard]] core::Random random(std::string_view layer_path) const noexcept {
    return core::Random(seed, layer_path).substream(static_cast<std::uint64_t>(step));
  }
};

/// What is known of a layer before and after it runs. Shapes are per sample, without the batch axis.
struct LayerInfo {
  std::string path;  ///< "block1/conv2"; unique in the model
  std::string type;  ///< name in the registry
  core::Shape input, output;
  std::int64_t multiply_adds = 0;  ///< of this layer alone, per sample
  std::vector<Parameter> parameters;
  std::vector<Buffer> buffers;
};

/// Base of all layers.
class Layer {
 public:
  Layer() = default;
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;
  virtual ~Layer() = default;

  /// [batch, input…] → [batch, output…]. Call through operator(), which checks the shape.
  [[nodiscard]] virtual core::Variable forward(const core::Variable& x, ForwardContext& context) = 0;

  /// Checks the input's shape (ShapeError naming the layer), runs forward with error texts that name this layer.
  [[nodiscard]] core::Variable operator()(const core::Variable& x, ForwardContext& context);

  [[nodiscard]] const LayerInfo& info() const noexcept { return info_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Layer>>& children() const noexcept { return children_; }

 private:
  friend class LayerBuilder;
  LayerInfo info_;
  std::vector<std::unique_ptr<Layer>> children_;
};

/// Hands a layer its input shape and takes its declarations.
class LayerBuilder {
 public:
  /// kPlan allocates nothing; kBuild makes and initialises the parameters from `seed`.
  enum class Mode { kPlan, kBuild };
  LayerBuilder(const LayerRegistry& registry, Mode mode, std::uint64_t seed);

  /// Builds the layer that `config` describes (a Configurable made by the registry) as `name` below the current path;
  /// an empty name takes the type and a number ("linear1"). Throws ShapeError naming the layer if the input does not fit,
  /// ConfigError for a duplicate name.
  [[nodiscard]] std::unique_ptr<Layer> build(const core::Configurable& config, const core::Shape& input);

  // --- for the constructor of a layer ---
  [[nodiscard]] const core::Shape& input() const noexcept { return current_->input; }
  [[nodiscard]] const std::string& path() const noexcept { return current_->path; }
  /// ShapeError unless the input has this rank. `layout` says what is expected: "[channels, height, width]".
  void expect_rank(int rank, std::string_view layout) const;
  /// ShapeError `<type> "<path>": <rule>`.
  [[noreturn]] void fail(const std::string& rule) const;
  /// A trainable tensor, initialised by `init` from (seed, path). Fans are taken from the shape: [out, in, …].
  [[nodiscard]] core::Variable parameter(std::string_view name, const core::Shape& shape, const Initializer& init,
                                         Role role);
  /// A constant-initialised parameter.
  [[nodiscard]] core::Variable parameter(std::string_view name, const core::Shape& shape, Scalar value, Role role);
  [[nodiscard]] core::Variable buffer(std::string_view name, const core::Shape& shape, Scalar value);
  void output(const core::Shape& shape) { current_->output = shape; }
  void multiply_adds(std::int64_t count) { current_->multiply_adds = count; }
  /// Builds a layer inside this one; the container owns nothing: it is kept in children() and returned as a reference.
  Layer& child(const core::Configurable& config, const core::Shape& input);

 private:
  struct Frame;
  [[nodiscard]] std::string unique_name(const core::Configurable& config);

  const LayerRegistry& registry_;
  Mode mode_;
  std::uint64_t seed_;
  LayerInfo* current_ = nullptr;
  Frame* frame_ = nullptr;
};

/// An input and configuration on which the contract tests exercise a layer.
template <class Config>
struct LayerExample {
  Config config;
  core::Shape input;  ///< per sample
};

}  // namespace tempera::nn
