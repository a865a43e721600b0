// Values as JSON text.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "tempera/core/config/value.hpp"

namespace tempera::core {
namespace {

using Kind = ConfigValue::Kind;

constexpr std::size_t kLineWidth = 100;

[[noreturn]] void refuse(const std::string& pointer, const std::string& message) {
  throw ConfigError(std::vector<ConfigIssue>{{.pointer = pointer, .message = message}});
}

std::string quoted(const std::string& text, const std::string& pointer) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::type_error&) {
    refuse(pointer, "text is not valid UTF-8");
  }
}

std::string scalar(const ConfigValue& value, const std::string& pointer) {
  switch (value.kind) {
    case Kind::kBool:
      return value.flag ? "true" : "false";
    case Kind::kInteger:
      return std::to_string(value.integer);
    case Kind::kNumber:
      if (!std::isfinite(value.number)) refuse(pointer, fmt::format("number {} is not finite", value.number));
      return nlohmann::json(value.number).dump();
    case Kind::kText:
      return quoted(value.text, pointer);
    default:
      return "null";
  }
}

// On one line, as for people or (sorted) for machines.
std::string flat(const ConfigValue& value, const std::string& pointer, bool canonical) {
  if (value.is_scalar()) return scalar(value, pointer);
  const std::string comma = canonical ? "," : ", ";
  std::string text;
  if (value.is(Kind::kList)) {
    for (std::size_t i = 0; i < value.items.size(); ++i) {
      if (i > 0) text += comma;
      text += flat(value.items[i], child_pointer(pointer, i), canonical);
    }
    return "[" + text + "]";
  }
  std::vector<const ConfigMember*> members;
  members.reserve(value.members.size());
  for (const ConfigMember& member : value.members) members.push_back(&member);
  if (canonical) {
    std::sort(members.begin(), members.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  }
  for (const ConfigMember* member : members) {
    if (!text.empty()) text += comma;
    text += quoted(member->name, pointer) + (canonical ? ":" : ": ");
    text += flat(member->value, child_pointer(pointer, member->name), canonical);
  }
  return "{" + text + "}";
}

// Characters the value takes on one line, counted only as far as `limit`: a big value is not rendered to be thrown
// away.
std::size_t weight(const ConfigValue& value, std::size_t limit) {
  std::size_t sum = 2 + value.text.size();
  for (std::size_t i = 0; i < value.items.size() && sum <= limit; ++i) sum += weight(value.items[i], limit - sum);
  for (std::size_t i = 0; i < value.members.size() && sum <= limit; ++i) {
    sum += value.members[i].name.size() + weight(value.members[i].value, limit - sum);
  }
  return sum;
}

void print(const ConfigValue& value, const std::string& pointer, std::size_t indent, std::size_t used,
           std::string& out) {
  const bool root = indent == 0;
  if (value.is_scalar() || (!root && weight(value, kLineWidth) <= kLineWidth)) {
    const std::string line = flat(value, pointer, false);
    if (value.is_scalar() || used + line.size() <= kLineWidth) {
      out += line;
      return;
    }
  }
  const bool list = value.is(Kind::kList);
  const std::size_t count = list ? value.items.size() : value.members.size();
  const std::string margin(indent + 2, ' ');
  out += list ? "[" : "{";
  for (std::size_t i = 0; i < count; ++i) {
    out.append(i == 0 ? "\n" : ",\n").append(margin);
    if (list) {
      print(value.items[i], child_pointer(pointer, i), indent + 2, indent + 2, out);
    } else {
      const ConfigMember& member = value.members[i];
      const std::string name = quoted(member.name, pointer) + ": ";
      out += name;
      print(member.value, child_pointer(pointer, member.name), indent + 2, indent + 2 + name.size(), out);
    }
  }
  if (count > 0) out.append("\n").append(indent, ' ');
  out += list ? "]" : "}";
}

}  // namespace

std::string pretty_json(const ConfigValue& value) {
  std::string out;
  print(value, "", 0, 0, out);
  return out + "\n";
}

std::string line_json(const ConfigValue& value) { return flat(value, "", false); }

std::string canonical_json(const ConfigValue& value) { return flat(value, "", true); }

}  // namespace tempera::core
