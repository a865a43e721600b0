#include "tempera/core/config/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tempera/core/config/find_number.hpp"

namespace tempera::core {
namespace {

using Kind = ConfigValue::Kind;

ConfigValue of_kind(Kind kind) {
  ConfigValue value;
  value.kind = kind;
  return value;
}

}  // namespace

ConfigValue ConfigValue::of(bool value) {
  ConfigValue result = of_kind(Kind::kBool);
  result.flag = value;
  return result;
}

ConfigValue ConfigValue::of(std::int64_t value) {
  ConfigValue result = of_kind(Kind::kInteger);
  result.integer = value;
  return result;
}

ConfigValue ConfigValue::of(double value) {
  ConfigValue result = of_kind(Kind::kNumber);
  result.number = value;
  return result;
}

ConfigValue ConfigValue::of(std::string value) {
  ConfigValue result = of_kind(Kind::kText);
  result.text = std::move(value);
  return result;
}

ConfigValue ConfigValue::list() { return of_kind(Kind::kList); }

ConfigValue ConfigValue::object() { return of_kind(Kind::kObject); }

const ConfigValue* ConfigValue::find(std::string_view name) const noexcept {
  const auto found = std::find_if(members.begin(), members.end(), [&](const auto& m) { return m.name == name; });
  return found == members.end() ? nullptr : &found->value;
}

ConfigValue* ConfigValue::find(std::string_view name) noexcept {
  const auto found = std::find_if(members.begin(), members.end(), [&](const auto& m) { return m.name == name; });
  return found == members.end() ? nullptr : &found->value;
}

void ConfigValue::set(std::string_view name, ConfigValue value) {
  if (ConfigValue* known = find(name)) {
    *known = std::move(value);
  } else {
    members.push_back({std::string(name), std::move(value)});
  }
}

void ConfigValue::erase(std::string_view name) {
  std::erase_if(members, [&](const ConfigMember& m) { return m.name == name; });
}

std::string describe(const ConfigValue& value) {
  switch (value.kind) {
    case Kind::kNull:
      return "null";
    case Kind::kBool:
      return value.flag ? "true" : "false";
    case Kind::kInteger:
      return fmt::format("number {}", value.integer);
    case Kind::kNumber:
      return fmt::format("number {}", value.number);
    case Kind::kText:
      return fmt::format("text \"{}\"", shortened(value.text));
    case Kind::kList:
      return value.items.empty() ? "an empty list" : fmt::format("a list of {}", value.items.size());
    case Kind::kObject:
      return "an object { … }";
  }
  return {};
}

std::string child_pointer(std::string_view pointer, std::string_view name) {
  std::string result(pointer);
  result += '/';
  for (const char c : name) {
    if (c == '~') {
      result += "~0";
    } else if (c == '/') {
      result += "~1";
    } else {
      result += c;
    }
  }
  return result;
}

std::string child_pointer(std::string_view pointer, std::size_t index) { return fmt::format("{}/{}", pointer, index); }

const ConfigValue* child_at(const ConfigValue& value, std::string_view token) {
  if (value.is(Kind::kList)) {
    const std::size_t index = index_of(token);
    return index < value.items.size() ? &value.items[index] : nullptr;
  }
  const auto found = std::ranges::find_if(value.members, [token](const ConfigMember& member) {
    return std::string_view(child_pointer("", member.name)).substr(1) == token;
  });
  return found == value.members.end() ? nullptr : &found->value;
}

std::string shortened(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return std::string(text);
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0U) == 0x80U) --limit;
  return std::string(text.substr(0, limit)) + "…";
}

}  // namespace tempera::core
