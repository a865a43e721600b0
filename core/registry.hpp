// The types a program knows of one kind: layers, losses, optimizers, schedules, transforms.
//
//   struct Scale : Layer {                           // any type, derived from the kind's interface
//     struct Config {
//       double factor = 1;
//       void fields(core::FieldVisitor& v) { v.field("factor", factor, {.help = "what the input is multiplied by"}); }
//     };
//     explicit Scale(const Config& config);
//   };
//   registry.add<Scale>("scale", "multiplies by a constant");
//
// From then on {"type": "scale", "factor": 2} is read, checked, explained and built. A Config that contains things of
// its own kind (a residual block of layers) declares fields(FieldVisitor&, const TypeCatalog&) and gets the catalog.
#pragma once

#include <concepts>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tempera/core/errors.hpp"
#include "tempera/core/fields.hpp"

namespace tempera::core {

/// For kinds whose types share no field.
struct NoCommonFields {
  void fields(FieldVisitor& /*v*/) {}
};

/// For kinds whose things have a name the user chooses (layers); each Config need not repeat it.
struct NamedFields {
  std::string name;  ///< empty: the owner numbers it
  void fields(FieldVisitor& v) {
    v.field("name", name, {.help = "name by which selectors, reports and files refer to it; numbered if left out"});
  }
};

/// A Configurable that its registry can turn into a Product.
template <class Product, class Common, class... BuildArgs>
class BuildableConfig : public Configurable {
 public:
  Common common;
  [[nodiscard]] virtual std::unique_ptr<Product> build(BuildArgs... args) const = 0;
};

/// The configuration of one registered type T.
template <class T, class Product, class Common, class... BuildArgs>
class ConfigOf final : public BuildableConfig<Product, Common, BuildArgs...> {
 public:
  using Config = typename T::Config;
  ConfigOf(std::string_view type, const TypeCatalog& catalog) : type_(type), catalog_(&catalog) {}

  Config config;

  [[nodiscard]] std::string_view type() const override { return type_; }
  [[nodiscard]] std::unique_ptr<Configurable> clone() const override { return std::make_unique<ConfigOf>(*this); }
  void fields(FieldVisitor& v) override {
    this->common.fields(v);
    if constexpr (requires { config.fields(v, *catalog_); }) {
      config.fields(v, *catalog_);
    } else {
      config.fields(v);
    }
  }
  [[nodiscard]] std::unique_ptr<Product> build(BuildArgs... args) const override {
    return std::make_unique<T>(config, std::forward<BuildArgs>(args)...);
  }

 private:
  std::string type_;
  const TypeCatalog* catalog_;
};

/// What a type needs for being registered as a Product built from BuildArgs.
template <class T, class Product, class... BuildArgs>
concept Registrable =
    std::derived_from<T, Product> && std::default_initializable<typename T::Config> &&
    std::copy_constructible<typename T::Config> && std::constructible_from<T, const typename T::Config&, BuildArgs...>;

/// Keeps the registered types of one kind. Configurations refer to it: it must outlive them, and does not move.
template <class Product, class Common = NoCommonFields, class... BuildArgs>
class Registry : public TypeCatalog {
 public:
  using Buildable = BuildableConfig<Product, Common, BuildArgs...>;
  template <class T>
  using Of = ConfigOf<T, Product, Common, BuildArgs...>;

  explicit Registry(std::string kind) : kind_(std::move(kind)) {}
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  /// Makes T known under `name`. Throws Error if the name is taken.
  template <class T>
    requires Registrable<T, Product, BuildArgs...>
  void add(const std::string& name, std::string help) {
    auto create = [this, name]() -> std::unique_ptr<Buildable> { return std::make_unique<Of<T>>(name, *this); };
    if (!entries_.emplace(name, Entry{std::move(help), std::move(create)}).second) {
      throw Error(kind_ + " \"" + name + "\" is registered twice");
    }
  }

  /// Builds the thing that `config` describes. Throws Error if the configuration is of another registry's kind.
  [[nodiscard]] std::unique_ptr<Product> make(const Configurable& config, BuildArgs... args) const {
    return buildable(config).build(std::forward<BuildArgs>(args)...);
  }
  /// The fields that all types of the kind share, such as a layer's name.
  [[nodiscard]] const Common& common(const Configurable& config) const { return buildable(config).common; }
  [[nodiscard]] Common& common(Configurable& config) const { return const_cast<Common&>(buildable(config).common); }

  [[nodiscard]] const TypeCatalog& catalog() const noexcept { return *this; }
  [[nodiscard]] std::string_view kind() const override { return kind_; }
  [[nodiscard]] std::vector<std::string> names() const override {
    std::vector<std::string> names;
    names.reserve(entries_.size());
    for (const auto& [name, entry] : entries_) names.push_back(name);
    return names;
  }
  [[nodiscard]] std::string_view help(std::string_view name) const override {
    const auto found = entries_.find(name);
    return found == entries_.end() ? std::string_view{} : std::string_view{found->second.help};
  }
  [[nodiscard]] std::unique_ptr<Configurable> create(std::string_view name) const override {
    const auto found = entries_.find(name);
    return found == entries_.end() ? nullptr : found->second.create();
  }

 private:
  struct Entry {
    std::string help;
    std::function<std::unique_ptr<Buildable>()> create;
  };

  const Buildable& buildable(const Configurable& config) const {
    const auto* known = dynamic_cast<const Buildable*>(&config);
    if (known == nullptr) throw Error("\"" + std::string(config.type()) + "\" is no configuration of kind " + kind_);
    return *known;
  }

  std::string kind_;
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace tempera::core
