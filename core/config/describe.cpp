#include "tempera/core/config/describe.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "tempera/core/config/reader.hpp"
#include "tempera/core/config/writer.hpp"
#include "tempera/core/errors.hpp"

namespace tempera::core {
namespace {

using FieldKind = FieldInfo::Kind;

template <class T>
struct Traits;
template <>
struct Traits<bool> {
  static constexpr FieldKind kKind = FieldKind::kBool;
};
template <>
struct Traits<std::int64_t> {
  static constexpr FieldKind kKind = FieldKind::kInteger;
};
template <>
struct Traits<double> {
  static constexpr FieldKind kKind = FieldKind::kNumber;
};
template <>
struct Traits<std::string> {
  static constexpr FieldKind kKind = FieldKind::kText;
};

class Describer final : public FieldVisitor {
 public:
  explicit Describer(const ConfigValue& defaults) : defaults_(defaults) {}

  std::vector<FieldInfo> result;

  void field(std::string_view name, bool& value, const FieldDoc& doc) override { one(name, value, doc); }
  void field(std::string_view name, std::int64_t& value, const FieldDoc& doc) override { one(name, value, doc); }
  void field(std::string_view name, double& value, const FieldDoc& doc) override { one(name, value, doc); }
  void field(std::string_view name, std::string& value, const FieldDoc& doc) override { one(name, value, doc); }
  void field(std::string_view name, std::vector<std::int64_t>& value, const FieldDoc& doc) override {
    several(name, value, doc);
  }
  void field(std::string_view name, std::vector<double>& value, const FieldDoc& doc) override {
    several(name, value, doc);
  }
  void field(std::string_view name, std::vector<std::string>& value, const FieldDoc& doc) override {
    several(name, value, doc);
  }
  void field(std::string_view name, std::optional<bool>& value, const FieldDoc& doc) override {
    optional(name, value, doc);
  }
  void field(std::string_view name, std::optional<std::int64_t>& value, const FieldDoc& doc) override {
    optional(name, value, doc);
  }
  void field(std::string_view name, std::optional<double>& value, const FieldDoc& doc) override {
    optional(name, value, doc);
  }
  void field(std::string_view name, std::optional<std::string>& value, const FieldDoc& doc) override {
    optional(name, value, doc);
  }
  void choice(std::string_view name, std::size_t& /*index*/, std::span<const std::string_view> words,
              const FieldDoc& doc) override {
    add(name, FieldKind::kChoice, doc).words.assign(words.begin(), words.end());
  }
  void object(std::string_view name, const FieldsFn& fields, bool* present, const FieldDoc& doc) override {
    FieldInfo& info = add(name, FieldKind::kObject, doc);
    info.optional = present != nullptr;
    info.default_json = present != nullptr && !*present ? "null" : "";
    info.fields = describe_fields(fields);
  }
  void list(std::string_view name, std::size_t size, const std::function<void(std::size_t)>& resize,
            const std::function<FieldsFn(std::size_t)>& element, const FieldDoc& doc) override {
    FieldInfo& info = add(name, FieldKind::kObject, doc);
    info.many = true;
    resize(size + 1);  // an element with its defaults, to be described and taken away again
    info.fields = describe_fields(element(size));
    resize(size);
  }
  void typed(std::string_view name, const TypeCatalog& catalog, std::unique_ptr<Configurable>& value,
             const FieldDoc& doc) override {
    FieldInfo& info = add(name, FieldKind::kTyped, doc);
    info.catalog = &catalog;
    info.optional = !doc.required;
    info.default_json = value ? std::string(value->type()) : "null";
  }
  void typed_list(std::string_view name, const TypeCatalog& catalog,
                  std::vector<std::unique_ptr<Configurable>>& /*value*/, const FieldDoc& doc) override {
    FieldInfo& info = add(name, FieldKind::kTyped, doc);
    info.catalog = &catalog;
    info.many = true;
  }
  void raw(std::string_view name, std::string& /*json*/, const FieldDoc& doc) override {
    FieldInfo& info = add(name, FieldKind::kJson, doc);
    if (const ConfigValue* value = defaults_.find(name); value != nullptr) info.default_json = line_json(*value);
  }
  void rule(bool /*holds*/, std::string_view /*field*/, const std::string& /*message*/) override {}

 private:
  FieldInfo& add(std::string_view name, FieldKind kind, const FieldDoc& doc) {
    FieldInfo& info = result.emplace_back();
    info.name = name;
    info.kind = kind;
    info.required = doc.required;
    info.single = doc.single;
    info.help = doc.help;
    info.unit = doc.unit;
    FieldDoc plain = doc;
    plain.unit = {};
    info.range = range_text(plain);
    info.min = doc.min;
    info.max = doc.max;
    info.above_min = doc.above_min;
    info.below_max = doc.below_max;
    info.min_items = doc.min_items;
    info.max_items = doc.max_items;
    const ConfigValue* value = defaults_.find(name);
    if (value != nullptr && !doc.required && !value->is(ConfigValue::Kind::kObject)) {
      info.default_json = line_json(*value);
    }
    return info;
  }
  template <class T>
  void one(std::string_view name, const T& /*value*/, const FieldDoc& doc) {
    add(name, Traits<T>::kKind, doc);
  }
  template <class T>
  void several(std::string_view name, const std::vector<T>& /*value*/, const FieldDoc& doc) {
    add(name, Traits<T>::kKind, doc).many = true;
  }
  template <class T>
  void optional(std::string_view name, const std::optional<T>& /*value*/, const FieldDoc& doc) {
    add(name, Traits<T>::kKind, doc).optional = !doc.required;
  }

  const ConfigValue& defaults_;
};

std::string noun(const FieldInfo& info) {
  switch (info.kind) {
    case FieldKind::kBool:
      return "true or false";
    case FieldKind::kInteger:
      return info.many ? "integers" : "integer";
    case FieldKind::kNumber:
      return info.many ? "numbers" : "number";
    case FieldKind::kText:
      return info.many ? "texts" : "text";
    case FieldKind::kChoice:
      return fmt::format("one of {}", fmt::join(info.words, ", "));
    case FieldKind::kJson:
      return "any JSON";
    case FieldKind::kObject:
      return info.many ? "objects" : "object";
    case FieldKind::kTyped:
      return fmt::format("{}{}", info.catalog->kind(), info.many ? "s" : "");
  }
  return {};
}

void collect(const std::vector<FieldInfo>& fields, std::vector<const TypeCatalog*>& catalogs) {
  for (const FieldInfo& info : fields) {
    collect(info.fields, catalogs);
    const bool known = std::find(catalogs.begin(), catalogs.end(), info.catalog) != catalogs.end();
    if (info.catalog == nullptr || known) continue;
    catalogs.push_back(info.catalog);
    for (const std::string& type : info.catalog->names()) collect(describe_type(*info.catalog, type), catalogs);
  }
}

}  // namespace

std::vector<const TypeCatalog*> catalogs_of(const std::vector<FieldInfo>& fields) {
  std::vector<const TypeCatalog*> catalogs;
  collect(fields, catalogs);
  return catalogs;
}

std::string FieldInfo::type_text() const {
  std::string text = many ? "list of " + noun(*this) : noun(*this);
  if (many && min_items == max_items) {
    text = fmt::format("list of {} {}", min_items, noun(*this));
  } else if (single) {
    text += ", or a single one";
  }
  return optional ? text + ", or null" : text;
}

std::vector<FieldInfo> describe_fields(const FieldsFn& fields) {
  const ConfigValue defaults = write_fields(fields);
  Describer describer(defaults);
  fields(describer);
  return std::move(describer.result);
}

std::vector<FieldInfo> describe_type(const TypeCatalog& catalog, std::string_view type) {
  const std::unique_ptr<Configurable> config = catalog.create(type);
  if (config == nullptr) throw ConfigError(fmt::format("unknown {} \"{}\"", catalog.kind(), type));
  return describe_fields([&config](FieldVisitor& v) { config->fields(v); });
}

}  // namespace tempera::core
