// Values → a configurable struct, with every complaint at once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tempera/core/config/value.hpp"
#include "tempera/core/fields.hpp"

namespace tempera::core {

/// Sets the struct seen through `fields` from `object`; keys that are absent leave their defaults. Appends to `issues`:
/// unknown keys (with the nearest known one), wrong types, numbers out of range, required keys that are missing,
/// unknown types, rules that do not hold. A field with an issue keeps its default. Rules of a struct are judged only
/// where all of its fields could be read. A whole double such as 3.0 is accepted for an integer.
void read_fields(const ConfigValue& object, const FieldsFn& fields, std::vector<ConfigIssue>& issues,
                 std::string_view pointer = "");

/// Parses `json` and reads it. Throws ConfigError with all issues. For configurations kept inside other files.
void read_json(std::string_view json, const std::string& file, const FieldsFn& fields);

/// Whether a number is within the bounds of its field.
[[nodiscard]] bool in_range(double x, const FieldDoc& doc) noexcept;

/// The range of numbers or lengths in words: "> 0 and ≤ 1", "≥ 1 (epochs)"; empty if everything is allowed.
[[nodiscard]] std::string range_text(const FieldDoc& doc);

}  // namespace tempera::core
