#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "tempera/apps/experiment/reference.hpp"
#include "tempera/core/config/describe.hpp"
#include "tempera/core/config/parse.hpp"

namespace tempera::cli {
namespace {

using core::ConfigValue;
using core::FieldInfo;
using Kind = FieldInfo::Kind;

ConfigValue text(std::string value) { return ConfigValue::of(std::move(value)); }

ConfigValue of_type(std::string name) {
  ConfigValue schema = ConfigValue::object();
  schema.set("type", text(std::move(name)));
  return schema;
}

ConfigValue any_of(std::vector<ConfigValue> schemas) {
  ConfigValue schema = ConfigValue::object();
  ConfigValue list = ConfigValue::list();
  list.items = std::move(schemas);
  schema.set("anyOf", std::move(list));
  return schema;
}

ConfigValue words(const std::vector<std::string>& all) {
  ConfigValue schema = ConfigValue::object();
  ConfigValue list = ConfigValue::list();
  for (const std::string& word : all) list.items.push_back(text(word));
  schema.set("enum", std::move(list));
  return schema;
}

ConfigValue number(const FieldInfo& field) {
  ConfigValue schema = of_type(field.kind == Kind::kInteger ? "integer" : "number");
  if (std::isfinite(field.min)) {
    schema.set(field.above_min ? "exclusiveMinimum" : "minimum", ConfigValue::of(field.min));
  }
  if (std::isfinite(field.max)) {
    schema.set(field.below_max ? "exclusiveMaximum" : "maximum", ConfigValue::of(field.max));
  }
  return schema;
}

ConfigValue object(const std::vector<FieldInfo>& fields);

ConfigValue element(const FieldInfo& field) {
  switch (field.kind) {
    case Kind::kBool:
      return of_type("boolean");
    case Kind::kInteger:
    case Kind::kNumber:
      return number(field);
    case Kind::kText:
      return of_type("string");
    case Kind::kChoice:
      return words(field.words);
    case Kind::kJson:
      return ConfigValue::object();
    case Kind::kObject:
      return object(field.fields);
    case Kind::kTyped: {
      ConfigValue schema = ConfigValue::object();
      schema.set("$ref", text("#/$defs/" + std::string(field.catalog->kind())));
      return schema;
    }
  }
  return ConfigValue::object();
}

ConfigValue property(const FieldInfo& field) {
  ConfigValue schema = element(field);
  if (field.many) {
    ConfigValue list = of_type("array");
    list.set("items", schema);
    if (field.min_items > 0) list.set("minItems", ConfigValue::of(static_cast<std::int64_t>(field.min_items)));
    if (field.max_items < std::numeric_limits<std::size_t>::max()) {
      list.set("maxItems", ConfigValue::of(static_cast<std::int64_t>(field.max_items)));
    }
    schema = field.single ? any_of({std::move(list), std::move(schema)}) : std::move(list);
  }
  if (field.optional) schema = any_of({std::move(schema), of_type("null")});
  const std::string unit = field.unit.empty() ? "" : " (" + field.unit + ")";
  schema.set("description", text(field.help + unit));
  std::vector<core::ConfigIssue> issues;
  const std::string& given = field.kind == Kind::kTyped ? "" : field.default_json;
  if (auto value = core::parse_config(given, "", issues)) schema.set("default", std::move(*value));
  return schema;
}

ConfigValue object(const std::vector<FieldInfo>& fields) {
  ConfigValue schema = of_type("object");
  ConfigValue properties = ConfigValue::object();
  ConfigValue required = ConfigValue::list();
  for (const FieldInfo& field : fields) {
    properties.set(field.name, property(field));
    if (field.required) required.items.push_back(text(field.name));
  }
  schema.set("properties", std::move(properties));
  if (!required.items.empty()) schema.set("required", std::move(required));
  schema.set("additionalProperties", ConfigValue::of(false));
  return schema;
}

// A type's name alone, or an object of one of the types.
ConfigValue catalog_schema(const core::TypeCatalog& catalog) {
  std::vector<ConfigValue> schemas{words(catalog.names())};
  for (const std::string& type : catalog.names()) {
    ConfigValue schema = object(describe_type(catalog, type));
    ConfigValue constant = ConfigValue::object();
    constant.set("const", text(type));
    schema.find("properties")->set("type", std::move(constant));
    schema.set("description", text(std::string(catalog.help(type))));
    schemas.push_back(std::move(schema));
  }
  return any_of(std::move(schemas));
}

}  // namespace

ConfigValue json_schema(const core::FieldsFn& fields) {
  const std::vector<FieldInfo> top = core::describe_fields(fields);
  ConfigValue schema = object(top);
  schema.erase("required");  // a file may leave them to the one it extends
  ConfigValue& properties = *schema.find("properties");
  ConfigValue paths = of_type("array");
  paths.set("items", of_type("string"));
  properties.set("extends", any_of({of_type("string"), std::move(paths)}));
  properties.set("$schema", of_type("string"));
  ConfigValue definitions = ConfigValue::object();
  for (const core::TypeCatalog* catalog : core::catalogs_of(top)) {
    definitions.set(catalog->kind(), catalog_schema(*catalog));
  }
  ConfigValue result = ConfigValue::object();
  result.set("$schema", text("https://json-schema.org/draft/2020-12/schema"));
  result.set("title", text("tempera experiment"));
  for (core::ConfigMember& member : schema.members) result.set(member.name, std::move(member.value));
  result.set("$defs", std::move(definitions));
  return result;
}

}  // namespace tempera::cli
