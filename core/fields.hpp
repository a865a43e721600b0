// One description of every configurable struct.
//
// A struct has one member `void fields(FieldVisitor& v)` that names its members with a line of help, ranges and units.
// Parsing, unknown-key errors with suggestions, the resolved config, `tempera explain` and the reference documentation
// are visitors.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tempera::core {

/// What is said about a field besides its name and type.
struct FieldDoc {
  std::string_view help;
  std::string_view unit = {};                             ///< "epochs", "pixels"; empty for a plain number
  double min = -std::numeric_limits<double>::infinity();  ///< of numbers and of each element of lists
  double max = std::numeric_limits<double>::infinity();
  bool above_min = false;     ///< min itself is not allowed
  bool below_max = false;     ///< max itself is not allowed
  bool required = false;      ///< there is no default: the key must be present
  std::size_t min_items = 0;  ///< of lists
  std::size_t max_items = std::numeric_limits<std::size_t>::max();
  bool single = false;              ///< of lists of numbers or words: a bare value stands for a list of one
  std::string_view too_small = {};  ///< of numbers: said beside the range of one below min, as what to take instead
};

class FieldVisitor;

/// A configurable thing that a registry knows by its "type": layers, optimizers, schedules, losses, transforms.
class Configurable {
 public:
  Configurable() = default;
  virtual ~Configurable() = default;
  [[nodiscard]] virtual std::string_view type() const = 0;
  [[nodiscard]] virtual std::unique_ptr<Configurable> clone() const = 0;
  virtual void fields(FieldVisitor& v) = 0;

 protected:
  Configurable(const Configurable&) = default;
  Configurable& operator=(const Configurable&) = default;
};

/// The types a registry offers for one kind of thing.
class TypeCatalog {
 public:
  virtual ~TypeCatalog() = default;
  [[nodiscard]] virtual std::string_view kind() const = 0;           ///< "layer", "optimizer"
  [[nodiscard]] virtual std::vector<std::string> names() const = 0;  ///< sorted
  [[nodiscard]] virtual std::string_view help(std::string_view name) const = 0;
  /// A default configuration of that type; null for an unknown one.
  [[nodiscard]] virtual std::unique_ptr<Configurable> create(std::string_view name) const = 0;
};

/// Copyable owner of a Configurable (a config struct holds layers and optimizers by value).
template <class T = Configurable>
class Clonable {
 public:
  Clonable() = default;
  explicit Clonable(std::unique_ptr<T> value) : value_(std::move(value)) {}
  Clonable(const Clonable& o)
      : value_(o.value_ ? std::unique_ptr<T>(static_cast<T*>(o.value_->clone().release())) : nullptr) {}
  Clonable(Clonable&&) noexcept = default;
  Clonable& operator=(Clonable o) noexcept {
    value_ = std::move(o.value_);
    return *this;
  }
  ~Clonable() = default;
  [[nodiscard]] T* get() const noexcept { return value_.get(); }
  T* operator->() const noexcept { return value_.get(); }
  T& operator*() const noexcept { return *value_; }
  explicit operator bool() const noexcept { return value_ != nullptr; }
  std::unique_ptr<T>& pointer() noexcept { return value_; }

 private:
  std::unique_ptr<T> value_;
};

/// A nested struct seen through its fields.
using FieldsFn = std::function<void(FieldVisitor&)>;

/// Visits the fields of a configurable struct. Implementations: reader (from JSON), writer (to JSON), explainer.
class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;

  virtual void field(std::string_view name, bool& value, const FieldDoc& doc) = 0;
  virtual void field(std::string_view name, std::int64_t& value, const FieldDoc& doc) = 0;
  virtual void field(std::string_view name, double& value, const FieldDoc& doc) = 0;
  virtual void field(std::string_view name, std::string& value, const FieldDoc& doc) = 0;
  virtual void field(std::string_view name, std::vector<std::int64_t>& value, const FieldDoc& doc) = 0;
  virtual void field(std::string_view name, std::vector<double>& value, const FieldDoc& doc) = 0;
  virtual void field(std::string_view name, std::vector<std::string>& value, const FieldDoc& doc) = 0;
  // Optional: absent or null is "not set".
  virtual void field(std::string_view name, std::optional<bool>& value, const FieldDoc& doc) = 0;
  virtual void field(std::string_view name, std::optional<std::int64_t>& value, const FieldDoc& doc) = 0;
  virtual void field(std::string_view name, std::optional<double>& value, const FieldDoc& doc) = 0;
  virtual void field(std::string_view name, std::optional<std::string>& value, const FieldDoc& doc) = 0;
  /// One of several words; `index` is the chosen one's position.
  virtual void choice(std::string_view name, std::size_t& index, std::span<const std::string_view> words,
                      const FieldDoc& doc) = 0;
  /// A struct with fields of its own. `present` null: always there (missing keys take defaults).
  virtual void object(std::string_view name, const FieldsFn& fields, bool* present, const FieldDoc& doc) = 0;
  /// A list of structs. `resize(n)` makes n default elements; `element(i)` gives the i-th one's fields.
  virtual void list(std::string_view name, std::size_t size, const std::function<void(std::size_t)>& resize,
                    const std::function<FieldsFn(std::size_t)>& element, const FieldDoc& doc) = 0;
  /// {"type": …, …}: a thing from a catalog. Null value: not set (allowed unless doc.required).
  virtual void typed(std::string_view name, const TypeCatalog& catalog, std::unique_ptr<Configurable>& value,
                     const FieldDoc& doc) = 0;
  virtual void typed_list(std::string_view name, const TypeCatalog& catalog,
                          std::vector<std::unique_ptr<Configurable>>& value, const FieldDoc& doc) = 0;
  /// Any JSON value, kept as its text ("{}", "[1, 2]"); for what has no fixed fields, such as the paths of a study.
  virtual void raw(std::string_view name, std::string& json, const FieldDoc& doc) = 0;
  /// A rule that ties several fields together; call after the fields. Readers report it if `holds` is false.
  virtual void rule(bool holds, std::string_view field, const std::string& message) = 0;
  /// What follows from other fields where it was not given; call after the fields. Readers alone do it: whoever describes or
  /// writes a struct that was never read sees its defaults.
  virtual void derive(const std::function<void()>& /*fill*/) {}

  // Conveniences on the above.
  template <class E>
    requires std::is_enum_v<E>
  void choice(std::string_view name, E& value, std::span<const std::string_view> words, const FieldDoc& doc) {
    auto index = static_cast<std::size_t>(value);
    choice(name, index, words, doc);
    value = static_cast<E>(index);
  }
  template <class T>
    requires requires(T& t, FieldVisitor& v) { t.fields(v); }
  void object(std::string_view name, T& value, const FieldDoc& doc) {
    object(
        name, [&value](FieldVisitor& v) { value.fields(v); }, nullptr, doc);
  }
  /// Visits the live value where there is one, so that a reference found inside it stays good.
  template <class T>
    requires requires(T& t, FieldVisitor& v) { t.fields(v); }
  void object(std::string_view name, std::optional<T>& value, const FieldDoc& doc) {
    bool present = value.has_value();
    T fresh{};
    object(
        name, [&value, &fresh](FieldVisitor& v) { (value ? *value : fresh).fields(v); }, &present, doc);
    if (!present) {
      value.reset();
    } else if (!value) {
      value = std::move(fresh);
    }
  }
  template <class T>
    requires requires(T& t, FieldVisitor& v) { t.fields(v); }
  void list(std::string_view name, std::vector<T>& value, const FieldDoc& doc) {
    list(
        name, value.size(), [&value](std::size_t n) { value.resize(n); },
        [&value](std::size_t i) -> FieldsFn { return [&item = value[i]](FieldVisitor& v) { item.fields(v); }; }, doc);
  }
  void typed(std::string_view name, const TypeCatalog& catalog, Clonable<>& value, const FieldDoc& doc) {
    typed(name, catalog, value.pointer(), doc);
  }
  /// A list that can be copied with the struct it is in (containers of layers need that).
  void typed_list(std::string_view name, const TypeCatalog& catalog, std::vector<Clonable<>>& value,
                  const FieldDoc& doc) {
    struct Borrowed {  // gives the things back whatever the visitor does
      explicit Borrowed(std::vector<Clonable<>>& from) : owner(from) {
        for (Clonable<>& item : owner) items.push_back(std::move(item.pointer()));
      }
      ~Borrowed() {
        owner.resize(items.size());
        for (std::size_t i = 0; i < items.size(); ++i) owner[i].pointer() = std::move(items[i]);
      }
      std::vector<Clonable<>>& owner;
      std::vector<std::unique_ptr<Configurable>> items = {};
    };
    Borrowed borrowed(value);
    typed_list(name, catalog, borrowed.items, doc);
  }
};

}  // namespace tempera::core
