// The layers a program knows. A program of one's own adds to them and runs the whole tool:
//
//   tempera::nn::LayerRegistry registry;                       // with every built-in layer
//   registry.add<Swish>("swish", "x·σ(βx) with a learned β");
//   return tempera::cli::main(argc, argv, registry);
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <typeindex>
#include <utility>
#include <vector>

#include "tempera/core/registry.hpp"
#include "tempera/nn/initializers.hpp"
#include "tempera/nn/layer.hpp"
#include "tempera/nn/layer_builder.hpp"

namespace tempera::nn {

/// An example of any registered layer, as the contract tests see it.
struct AnyLayerExample {
  std::unique_ptr<core::Configurable> config;
  core::Shape input;  ///< per sample
};

class LayerRegistry final : public core::Registry<Layer, core::NamedFields, LayerBuilder&> {
 public:
  using Base = core::Registry<Layer, core::NamedFields, LayerBuilder&>;

  /// Knows every layer of builtin_layers.def.
  LayerRegistry();
  /// One for all who add nothing.
  [[nodiscard]] static const LayerRegistry& builtin();

  /// Makes L known as `type`. Throws Error if that is taken.
  template <class L>
  void add(const std::string& type, std::string help) {
    Base::add<L>(type, std::move(help));
    types_.emplace(typeid(L), type);
    examples_.emplace(type, [this, type] { return erased<L>(type); });
  }

  /// A configuration of L as a config file would give it. Throws Error if L is not registered.
  template <class L>
  [[nodiscard]] std::unique_ptr<core::Configurable> configure(typename L::Config config = {},
                                                              std::string name = {}) const {
    std::unique_ptr<core::Configurable> made = create(type_of(typeid(L)));
    static_cast<Of<L>&>(*made).config = std::move(config);
    common(*made).name = std::move(name);
    return made;
  }

  /// What L::examples() or, for containers, L::examples(registry) gives; nothing if L has neither.
  [[nodiscard]] std::vector<AnyLayerExample> examples(std::string_view type) const;

  /// Ways of initialising weights; a program may add its own.
  [[nodiscard]] InitializerRegistry& initializers() noexcept { return initializers_; }
  [[nodiscard]] const InitializerRegistry& initializers() const noexcept { return initializers_; }

 private:
  template <class L>
  [[nodiscard]] std::vector<AnyLayerExample> erased(const std::string& type) const {
    std::vector<LayerExample<typename L::Config>> examples;
    if constexpr (requires { L::examples(*this); }) {
      examples = L::examples(*this);
    } else if constexpr (requires { L::examples(); }) {
      examples = L::examples();
    }
    std::vector<AnyLayerExample> result;
    for (auto& example : examples) {
      std::unique_ptr<core::Configurable> config = create(type);
      static_cast<Of<L>&>(*config).config = std::move(example.config);
      result.push_back({std::move(config), example.input});
    }
    return result;
  }
  [[nodiscard]] const std::string& type_of(std::type_index layer) const;

  InitializerRegistry initializers_;
  std::map<std::type_index, std::string> types_;
  std::map<std::string, std::function<std::vector<AnyLayerExample>()>, std::less<>> examples_;
};

/// The initialisers that go with a catalog of layers (for the fields of a layer's Config).
[[nodiscard]] const core::TypeCatalog& initializers_of(const core::TypeCatalog& layers);

}  // namespace tempera::nn
