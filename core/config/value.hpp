// A configuration as a tree of JSON values that remember where they were written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tempera/core/errors.hpp"

namespace tempera::core {

/// Where a value was written: a file and its line, or "--set path=value" and line 0.
struct Place {
  std::string file;
  int line = 0;
};

struct ConfigMember;

/// One JSON value. Only the member that belongs to `kind` is meaningful.
struct ConfigValue {
  enum class Kind { kNull, kBool, kInteger, kNumber, kText, kList, kObject };

  Kind kind = Kind::kNull;
  bool flag = false;
  std::int64_t integer = 0;
  double number = 0;  ///< finite; an integer that does not fit 64 bits is a number, too
  std::string text;
  std::vector<ConfigValue> items;
  std::vector<ConfigMember> members;  ///< in the order of the file; names are unique
  Place place;

  [[nodiscard]] static ConfigValue of(bool value);
  [[nodiscard]] static ConfigValue of(std::int64_t value);
  [[nodiscard]] static ConfigValue of(double value);
  [[nodiscard]] static ConfigValue of(std::string value);
  [[nodiscard]] static ConfigValue list();
  [[nodiscard]] static ConfigValue object();

  [[nodiscard]] bool is(Kind k) const noexcept { return kind == k; }
  [[nodiscard]] bool is_scalar() const noexcept { return kind != Kind::kList && kind != Kind::kObject; }
  /// The member of that name; null if there is none.
  [[nodiscard]] const ConfigValue* find(std::string_view name) const noexcept;
  [[nodiscard]] ConfigValue* find(std::string_view name) noexcept;
  /// Sets or appends a member.
  void set(std::string_view name, ConfigValue value);
  void erase(std::string_view name);
};

struct ConfigMember {
  std::string name;
  ConfigValue value;
};

/// JSON for people: two spaces of indent, what fits a line of 100 stands on one. Ends with a newline.
/// Throws ConfigError for a number that is not finite or text that is not UTF-8, naming its pointer.
[[nodiscard]] std::string pretty_json(const ConfigValue& value);

/// JSON for people on one line: `{"a": [1, 2]}`. Throws as pretty_json.
[[nodiscard]] std::string line_json(const ConfigValue& value);

/// JSON for hashing: keys sorted, no white space, numbers in their shortest exact form. Throws as pretty_json.
[[nodiscard]] std::string canonical_json(const ConfigValue& value);

/// What a message says of a value it refuses: `text "abc"`, `number 1.5`, `a list of 3`, shortened if long.
[[nodiscard]] std::string describe(const ConfigValue& value);

/// `pointer` extended by one reference token (RFC 6901: "~" and "/" are escaped).
[[nodiscard]] std::string child_pointer(std::string_view pointer, std::string_view name);
[[nodiscard]] std::string child_pointer(std::string_view pointer, std::size_t index);
/// The element or member that one reference token names in a value; null if there is none.
[[nodiscard]] const ConfigValue* child_at(const ConfigValue& value, std::string_view token);

/// `text` cut to `limit` bytes at a character's border, with "…" where something was cut.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t limit = 60);

}  // namespace tempera::core
