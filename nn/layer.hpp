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
#include "tempera/core/variable.hpp"
#include "tempera/nn/forward_context.hpp"
#include "tempera/nn/parameter.hpp"
#include "tempera/nn/site.hpp"

namespace tempera::core {
class FieldVisitor;
}

namespace tempera::nn {

class GraphBuilder;
using GraphValue = int;

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
  std::vector<Site> sites;  ///< input, output, and each parameter of role weight

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

/// What follows a layer and might be done in its own pass.
struct Tail {
  Activation activation = Activation::kNone;
  bool pool_pairs = false;  ///< then the largest of each 2×2
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
  /// Whether the layer has an operation that does the work of `tail` as well.
  [[nodiscard]] virtual bool fuses(const Tail& /*tail*/) const noexcept { return false; }
  /// forward followed by a tail that it fuses, of the same bits.
  [[nodiscard]] virtual Variable forward_fused(const Variable& x, const Tail& tail, ForwardContext& context);
  /// Names the numbers of this layer that a schedule may change while training.
  virtual void numbers(core::FieldVisitor& /*v*/) {}
  /// Whether no output is below 0, given whether no input is.
  [[nodiscard]] virtual bool non_negative(bool /*input*/) const { return false; }
  /// Describes the layer in a graph of typed operations: the value x → the value it gives. Throws UnsupportedError naming
  /// the layer, as this one does, if it has no such description.
  [[nodiscard]] virtual GraphValue lower(GraphBuilder& graph, GraphValue x) const;
  /// What this layer is to a layer before it that could do its work.
  [[nodiscard]] virtual Activation activation() const noexcept { return Activation::kNone; }
  /// Max-pooling by neighbouring windows of 2×2, likewise.
  [[nodiscard]] virtual bool pools_pairs() const noexcept { return false; }

  /// Checks the input's shape, runs forward within the layer's scope. Throws LayerShapeError.
  [[nodiscard]] Variable operator()(const Variable& x, ForwardContext& context);
  /// Its two parts: all but what is done to the layer's output, and that.
  [[nodiscard]] Variable before_output_site(const Variable& x, ForwardContext& context);
  [[nodiscard]] Variable at_output_site(const Variable& y, ForwardContext& context) const;
  /// The same and max_pool2d by pairs behind it, of a site that acts.
  [[nodiscard]] Variable pooled_at_output_site(const Variable& y, ForwardContext& context) const;
  /// before_output_site by forward_fused. Nothing must be done to the layer's own output.
  [[nodiscard]] Variable fused(const Variable& x, const Tail& tail, ForwardContext& context);

  /// lower with the layer's own input and output sites around it.
  [[nodiscard]] GraphValue lowered(GraphBuilder& graph, GraphValue x) const;

  [[nodiscard]] const LayerInfo& info() const noexcept { return info_; }
  [[nodiscard]] std::span<const std::unique_ptr<Layer>> children() const noexcept { return children_; }
  /// To put a transform into one of them.
  [[nodiscard]] std::span<Site> sites() noexcept { return info_.sites; }
  [[nodiscard]] const Site& input_site() const noexcept { return info_.sites[0]; }
  [[nodiscard]] const Site& output_site() const noexcept { return info_.sites[1]; }

 protected:
  /// A parameter of role weight as the forward pass is to use it: what its site makes of it.
  [[nodiscard]] Variable used(const Variable& weight, ForwardContext& context) const;
  /// The site of such a parameter.
  [[nodiscard]] const Site& site_of(const Variable& weight) const;

 private:
  friend class LayerBuilder;
  LayerInfo info_;
  std::vector<std::unique_ptr<Layer>> children_;
};

/// Layer::non_negative of layers one after the other.
[[nodiscard]] bool all_non_negative(std::span<const std::unique_ptr<Layer>> layers, bool input);

/// Runs layers one after the other, fusing an activation, and a pooling behind it, into the layer before them where that
/// layer can and nothing is done to what passes between them.
[[nodiscard]] Variable forward_all(std::span<const std::unique_ptr<Layer>> layers, Variable x, ForwardContext& context);

/// An input and a configuration on which the contract tests exercise a layer.
template <class Config>
struct LayerExample {
  Config config;
  core::Shape input;  ///< per sample
};

}  // namespace tempera::nn
