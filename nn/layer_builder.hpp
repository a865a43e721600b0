// LayerBuilder: hands a layer's constructor its input shape and takes its declarations.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "tempera/core/fields.hpp"
#include "tempera/nn/layer.hpp"

namespace tempera::nn {

class Initializer;
class LayerList;
class LayerRegistry;

class LayerBuilder {
 public:
  /// kPlan allocates nothing; kBuild makes and initialises the parameters from `seed`.
  enum class Mode { kPlan, kBuild };
  LayerBuilder(const LayerRegistry& registry, Mode mode, std::uint64_t seed);
  LayerBuilder(const LayerBuilder&) = delete;
  LayerBuilder& operator=(const LayerBuilder&) = delete;
  ~LayerBuilder();

  /// Builds the layer that `config` (made by a LayerRegistry) describes, below the layer that is being built, if any. A
  /// layer without a name takes its type and its position among the layers of that type: the second relu is "relu2".
  /// Throws LayerShapeError if the input does not fit, ConfigError for a name that is taken or holds '/' or '.'; what has no
  /// place yet then points to the layer. `pointer` is that of `config` in the layer that is being built, or in the model.
  [[nodiscard]] std::unique_ptr<Layer> build(const core::Configurable& config, const core::Shape& input,
                                             const std::string& pointer = {});

  // --- for the constructor of a layer ---
  /// Shape of a sample.
  [[nodiscard]] const core::Shape& input() const noexcept;
  [[nodiscard]] const std::string& path() const noexcept;
  /// LayerShapeError unless the input has this rank. `layout` says what is expected: "[channels, height, width]".
  void expect_rank(int rank, std::string_view layout, std::string_view hint = {}) const;
  /// LayerShapeError `<type> "<path>": <rule>`.
  [[noreturn]] void fail(const std::string& rule) const;
  /// A trainable tensor, initialised by `init` from (seed, path). Fans are taken from the shape: [out, in, …]. Empty when
  /// planning.
  [[nodiscard]] Variable parameter(std::string_view name, const core::Shape& shape, const Initializer& init, Role role);
  /// A trainable tensor that starts at a constant.
  [[nodiscard]] Variable parameter(std::string_view name, const core::Shape& shape, Scalar value, Role role);
  /// State that is saved with the model and starts at a constant.
  [[nodiscard]] Variable buffer(std::string_view name, const core::Shape& shape, Scalar value,
                                Allowed allowed = Allowed::kAny);
  /// Shape of a sample that comes out; the input's unless stated. LayerShapeError if no axis is left for the batch.
  void output(const core::Shape& shape);
  /// Per sample, as the product of the factors. LayerShapeError when 64 bits cannot count them.
  void multiply_adds(std::initializer_list<std::int64_t> factors);
  /// Builds layers inside this one, the first on `input`, each next one on its predecessor's output; returns the last
  /// output (or `input`). They are appended to children() of the layer that is being built. `pointer` is where its config has
  /// them.
  core::Shape children(const LayerList& layers, const core::Shape& input, const std::string& pointer = "/layers");

 private:
  struct Frame;
  [[nodiscard]] std::string claim_name(const core::Configurable& config, const std::string& pointer);
  [[nodiscard]] std::string declare(std::string_view name) const;

  const LayerRegistry& registry_;
  Mode mode_;
  std::uint64_t seed_;
  std::unique_ptr<Frame> root_;
  Frame* frame_;
};

}  // namespace tempera::nn
