#include "tempera/apps/experiment/explain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "tempera/core/config/find_number.hpp"
#include "tempera/core/config/nearest.hpp"

namespace tempera::cli {
namespace {

using core::ConfigValue;
using core::FieldInfo;
using Path = std::span<const std::string>;

/// Follows the parts of a path and collects all that it can mean.
class Search {
 public:
  std::vector<Explanation> found;
  std::string failed;              // the part that nothing has
  std::vector<std::string> known;  // what could have stood there

  void in_fields(const std::vector<FieldInfo>& fields, Path path, const std::string& prefix) {
    const auto match = std::find_if(fields.begin(), fields.end(), [&](const auto& f) { return f.name == path[0]; });
    if (match == fields.end()) {
      std::vector<std::string> names;
      names.reserve(fields.size());
      for (const FieldInfo& field : fields) names.push_back(field.name);
      return fail(path[0], std::move(names));
    }
    const std::string here = prefix.empty() ? match->name : prefix + "." + match->name;
    Path rest = path.subspan(1);
    if (match->many && !rest.empty() && core::index_of(rest[0]) != core::index_of("")) rest = rest.subspan(1);
    if (rest.empty()) {
      found.push_back({here, *match});
    } else if (match->kind == FieldInfo::Kind::kObject) {
      in_fields(match->fields, rest, here);
    } else if (match->kind == FieldInfo::Kind::kTyped) {
      in_types(*match->catalog, rest, here);
    } else {
      fail(rest[0], {});
    }
  }

  /// A type by its name alone, wherever it may stand: "lsq", "conv2d.padding".
  void by_type(const std::vector<const core::TypeCatalog*>& catalogs, Path path) {
    for (const core::TypeCatalog* catalog : catalogs) {
      const std::vector<std::string> types = catalog->names();
      if (std::ranges::find(types, path[0]) == types.end()) continue;
      in_type(*catalog, path[0], path.subspan(1), std::string(catalog->kind()));
    }
  }

 private:
  void in_types(const core::TypeCatalog& catalog, Path path, const std::string& prefix) {
    const std::vector<std::string> types = catalog.names();
    if (std::find(types.begin(), types.end(), path[0]) != types.end()) {
      return in_type(catalog, path[0], path.subspan(1), prefix);
    }
    std::vector<std::string> names = types;
    for (const std::string& type : types) {  // the type was left out: every one that has such a field
      for (const FieldInfo& field : describe_type(catalog, type)) {
        names.push_back(field.name);
        if (field.name == path[0]) in_type(catalog, type, path, prefix);
      }
    }
    if (!found.empty()) return;
    std::vector<std::string> known_once;
    for (std::string& name : names) {
      if (std::ranges::find(known_once, name) == known_once.end()) known_once.push_back(std::move(name));
    }
    fail(path[0], std::move(known_once));
  }

  void in_type(const core::TypeCatalog& catalog, const std::string& type, Path rest, const std::string& prefix) {
    const std::string here = prefix + "." + type;
    std::vector<FieldInfo> fields = describe_type(catalog, type);
    if (!rest.empty()) return in_fields(fields, rest, here);
    FieldInfo info;
    info.name = type;
    info.help = catalog.help(type);
    info.fields = std::move(fields);
    found.push_back({here, std::move(info)});
  }

  void fail(const std::string& part, std::vector<std::string> names) {
    if (!failed.empty()) return;
    failed = part;
    known = std::move(names);
  }
};

struct Row {
  std::string name, text;
};

void append_rows(std::string& out, const std::vector<Row>& rows) {
  std::size_t width = 0;
  for (const Row& row : rows) width = std::max(width, row.name.size());
  for (const Row& row : rows) out += fmt::format("  {:<{}}  {}\n", row.name, width, row.text);
}

std::string in_short(const FieldInfo& field) {
  const std::string unit = field.unit.empty() ? "" : ", " + field.unit;
  return fmt::format("{} ({}{})", field.help, field.type_text(), unit);
}

}  // namespace

std::vector<Explanation> explain(const core::FieldsFn& fields, std::string_view path) {
  std::vector<FieldInfo> top = core::describe_fields(fields);
  const std::vector<std::string> parts = core::split_path(path);
  if (parts.empty()) {
    FieldInfo root;
    root.help = "an experiment";
    root.fields = std::move(top);
    return {{"", std::move(root)}};
  }
  Search search;
  search.in_fields(top, parts, "");
  if (search.found.empty()) search.by_type(core::catalogs_of(top), parts);
  if (search.found.empty()) {
    throw core::ConfigError(fmt::format("\"{}\": there is no \"{}\"{}", core::shortened(path),
                                        core::shortened(search.failed), core::suggestion(search.failed, search.known)));
  }
  return std::move(search.found);
}

std::string explain_text(const Explanation& explanation) {
  const FieldInfo& field = explanation.field;
  std::string out = explanation.path.empty() ? field.help + "\n" : explanation.path + ": " + field.help + "\n";
  std::vector<Row> facts{{"type", field.type_text()}};
  if (!field.unit.empty()) facts.push_back({"unit", field.unit});
  if (!field.range.empty()) facts.push_back({"range", field.range});
  if (field.required) facts.push_back({"default", "none: the key is required"});
  if (!field.required && !field.default_json.empty()) facts.push_back({"default", field.default_json});
  append_rows(out, facts);
  std::vector<Row> below;
  below.reserve(field.fields.size());
  for (const FieldInfo& inner : field.fields) below.push_back({inner.name, in_short(inner)});
  if (!below.empty()) out += "fields\n";
  if (field.catalog != nullptr) {
    out += "types\n";
    for (const std::string& type : field.catalog->names()) {
      below.push_back({type, std::string(field.catalog->help(type))});
    }
  }
  append_rows(out, below);
  return out;
}

ConfigValue explain_json(const Explanation& explanation) {
  const FieldInfo& field = explanation.field;
  ConfigValue result = ConfigValue::object();
  const auto put = [&result](std::string_view key, std::string text) {
    result.set(key, ConfigValue::of(std::move(text)));
  };
  put("path", explanation.path);
  put("meaning", field.help);
  put("type", field.type_text());
  put("unit", field.unit);
  put("range", field.range);
  result.set("required", ConfigValue::of(field.required));
  put("default", field.default_json);
  ConfigValue fields = ConfigValue::object();
  for (const FieldInfo& inner : field.fields) fields.set(inner.name, ConfigValue::of(in_short(inner)));
  result.set("fields", std::move(fields));
  ConfigValue types = ConfigValue::object();
  if (field.catalog != nullptr) {
    for (const std::string& type : field.catalog->names()) {
      types.set(type, ConfigValue::of(std::string(field.catalog->help(type))));
    }
  }
  result.set("types", std::move(types));
  return result;
}

}  // namespace tempera::cli
