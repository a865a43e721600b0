#include "tempera/apps/experiment/overrides.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "tempera/core/config/find_number.hpp"
#include "tempera/core/config/nearest.hpp"
#include "tempera/core/config/parse.hpp"

namespace tempera::cli {
namespace {

using core::ConfigIssue;
using core::ConfigValue;
using Kind = ConfigValue::Kind;

// The element of a list that `part`, which becomes its index, names by that or by its "name".
ConfigValue* element(ConfigValue& list, std::string& part, std::string& problem) {
  if (const std::size_t index = core::index_of(part); index < list.items.size()) return &list.items[index];
  std::vector<std::string> names;
  for (ConfigValue& item : list.items) {
    const ConfigValue* name = item.is(Kind::kObject) ? item.find("name") : nullptr;
    if (name == nullptr || !name->is(Kind::kText)) continue;
    if (name->text == part) {
      part = std::to_string(&item - list.items.data());
      return &item;
    }
    names.push_back(name->text);
  }
  problem =
      fmt::format("the list has {} elements and no \"{}\"{}", list.items.size(), part, core::suggestion(part, names));
  return nullptr;
}

// The value that `part` names in `at`, made if `at` is an object that lacks it. `next` is the part after it.
ConfigValue* step(ConfigValue& at, std::string& part, const std::string* next, const core::Place& place,
                  std::string& problem) {
  if (at.is(Kind::kList)) return element(at, part, problem);
  if (at.is(Kind::kText)) {  // "sgd" is short for {"type": "sgd"}
    ConfigValue object = ConfigValue::object();
    object.place = at.place;
    object.set("type", std::move(at));
    at = std::move(object);
  }
  if (at.is(Kind::kNull)) at = ConfigValue::object();
  if (!at.is(Kind::kObject)) {
    problem = fmt::format("{} has no \"{}\"", describe(at), part);
    return nullptr;
  }
  if (ConfigValue* known = at.find(part)) return known;
  if (next != nullptr && core::index_of(*next) != core::index_of("")) {
    problem = fmt::format("\"{}\" is not in the config, so it has no element {}; set the whole list", part, *next);
    return nullptr;
  }
  ConfigValue fresh = next == nullptr ? ConfigValue{} : ConfigValue::object();
  fresh.place = place;
  at.set(part, std::move(fresh));
  return at.find(part);
}

// VALUE as JSON, or as a plain word unless it starts like JSON that is not a word.
std::optional<ConfigValue> parse_value(std::string_view text, const std::string& place,
                                       std::vector<ConfigIssue>& issues) {
  std::vector<ConfigIssue> json_issues;
  std::optional<ConfigValue> value = core::parse_config(text, place, json_issues);
  if (value && json_issues.empty()) return value;
  const bool meant_json = !text.empty() && (text[0] == '{' || text[0] == '[' || text[0] == '"');
  if (!meant_json) {
    value = ConfigValue::of(std::string(text));
    try {
      static_cast<void>(core::canonical_json(*value));
      return value;
    } catch (const core::ConfigError& error) {
      json_issues = error.issues();
    }
  }
  for (ConfigIssue& issue : json_issues) issues.push_back({place, 0, "", std::move(issue.message)});
  return std::nullopt;
}

void place_all(ConfigValue& value, const core::Place& place) {
  value.place = place;
  for (ConfigValue& item : value.items) place_all(item, place);
  for (core::ConfigMember& member : value.members) place_all(member.value, place);
}

}  // namespace

std::string apply_override(ConfigValue& document, std::string_view path, ConfigValue value,
                           std::vector<ConfigIssue>& issues, std::string_view pointer) {
  std::vector<std::string> parts = core::split_path(path);
  std::string problem = parts.empty() ? "the path is empty" : "";
  if (std::find(parts.begin(), parts.end(), "") != parts.end()) problem = "the path has an empty name";
  ConfigValue* at = &document;
  std::string set;
  for (std::size_t i = 0; i < parts.size() && problem.empty(); ++i) {
    at = step(*at, parts[i], i + 1 < parts.size() ? &parts[i + 1] : nullptr, value.place, problem);
    set = core::child_pointer(set, parts[i]);
  }
  if (problem.empty()) {
    *at = std::move(value);
  } else {
    issues.push_back({value.place.file, value.place.line, std::string(pointer),
                      fmt::format("\"{}\": {}", core::shortened(path), problem)});
  }
  return set;
}

void apply_set(ConfigValue& document, std::string_view set, bool follow, std::vector<ConfigIssue>& issues) {
  const std::string place = "--set " + core::shortened(set);
  const std::size_t equals = set.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    issues.push_back({place, 0, "", "must be PATH=VALUE, such as train.epochs=3"});
    return;
  }
  std::optional<ConfigValue> value = parse_value(set.substr(equals + 1), place, issues);
  if (!value || !follow) return;
  place_all(*value, {place, 0});
  static_cast<void>(apply_override(document, set.substr(0, equals), std::move(*value), issues));
}

}  // namespace tempera::cli
