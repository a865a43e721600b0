#include "tempera/core/config/writer.hpp"

#include <utility>

#include "tempera/core/config/parse.hpp"

namespace tempera::core {
namespace {

class Writer final : public FieldVisitor {
 public:
  ConfigValue result = ConfigValue::object();

  void field(std::string_view name, bool& value, const FieldDoc& /*doc*/) override { put(name, scalar(value)); }
  void field(std::string_view name, std::int64_t& value, const FieldDoc& /*doc*/) override { put(name, scalar(value)); }
  void field(std::string_view name, double& value, const FieldDoc& /*doc*/) override { put(name, scalar(value)); }
  void field(std::string_view name, std::string& value, const FieldDoc& /*doc*/) override { put(name, scalar(value)); }
  void field(std::string_view name, std::vector<std::int64_t>& value, const FieldDoc& /*doc*/) override {
    put(name, scalars(value));
  }
  void field(std::string_view name, std::vector<double>& value, const FieldDoc& /*doc*/) override {
    put(name, scalars(value));
  }
  void field(std::string_view name, std::vector<std::string>& value, const FieldDoc& /*doc*/) override {
    put(name, scalars(value));
  }
  void field(std::string_view name, std::optional<bool>& value, const FieldDoc& /*doc*/) override {
    put(name, value ? scalar(*value) : ConfigValue{});
  }
  void field(std::string_view name, std::optional<std::int64_t>& value, const FieldDoc& /*doc*/) override {
    put(name, value ? scalar(*value) : ConfigValue{});
  }
  void field(std::string_view name, std::optional<double>& value, const FieldDoc& /*doc*/) override {
    put(name, value ? scalar(*value) : ConfigValue{});
  }
  void field(std::string_view name, std::optional<std::string>& value, const FieldDoc& /*doc*/) override {
    put(name, value ? scalar(*value) : ConfigValue{});
  }
  void choice(std::string_view name, std::size_t& index, std::span<const std::string_view> words,
              const FieldDoc& /*doc*/) override {
    put(name, index < words.size() ? ConfigValue::of(std::string(words[index])) : ConfigValue{});
  }
  void object(std::string_view name, const FieldsFn& fields, bool* present, const FieldDoc& /*doc*/) override {
    put(name, present == nullptr || *present ? write_fields(fields) : ConfigValue{});
  }
  void list(std::string_view name, std::size_t size, const std::function<void(std::size_t)>& /*resize*/,
            const std::function<FieldsFn(std::size_t)>& element, const FieldDoc& /*doc*/) override {
    ConfigValue items = ConfigValue::list();
    for (std::size_t i = 0; i < size; ++i) items.items.push_back(write_fields(element(i)));
    put(name, std::move(items));
  }
  void typed(std::string_view name, const TypeCatalog& /*catalog*/, std::unique_ptr<Configurable>& value,
             const FieldDoc& /*doc*/) override {
    put(name, value ? configurable(*value) : ConfigValue{});
  }
  void typed_list(std::string_view name, const TypeCatalog& /*catalog*/,
                  std::vector<std::unique_ptr<Configurable>>& value, const FieldDoc& /*doc*/) override {
    ConfigValue items = ConfigValue::list();
    for (const auto& item : value) items.items.push_back(item ? configurable(*item) : ConfigValue{});
    put(name, std::move(items));
  }
  void raw(std::string_view name, std::string& json, const FieldDoc& /*doc*/) override {
    std::vector<ConfigIssue> issues;
    std::optional<ConfigValue> value = parse_config(json, std::string(name), issues);
    if (!value || !issues.empty()) throw ConfigError(std::move(issues));
    put(name, std::move(*value));
  }
  void rule(bool /*holds*/, std::string_view /*field*/, const std::string& /*message*/) override {}

 private:
  void put(std::string_view name, ConfigValue value) {
    result.members.push_back({std::string(name), std::move(value)});
  }

  template <class T>
  static ConfigValue scalar(const T& value) {
    return ConfigValue::of(value);
  }
  template <class T>
  static ConfigValue scalars(const std::vector<T>& values) {
    ConfigValue items = ConfigValue::list();
    for (const T& value : values) items.items.push_back(scalar(value));
    return items;
  }
  static ConfigValue configurable(Configurable& value) {
    Writer writer;
    writer.put("type", ConfigValue::of(std::string(value.type())));
    value.fields(writer);
    return std::move(writer.result);
  }
};

}  // namespace

ConfigValue write_fields(const FieldsFn& fields) {
  Writer writer;
  fields(writer);
  return std::move(writer.result);
}

std::string write_json(const FieldsFn& fields) { return pretty_json(write_fields(fields)); }

}  // namespace tempera::core
