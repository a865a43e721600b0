// Text → values: JSON with // and /* */ comments, strict in everything else.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tempera/core/config/value.hpp"

namespace tempera::core {

inline constexpr std::size_t kMaxConfigDepth = 200;  ///< nested lists and objects

/// Parses one document. Appends to `issues` what is wrong: a syntax error (with line and column), NaN or infinity, a
/// number beyond double, text that is not UTF-8, nesting beyond kMaxConfigDepth: these give no value. A key that stands
/// twice in an object is an issue, too, but the document is still read (the first value counts), so that all issues
/// can be told at once. Members have the line of their key.
[[nodiscard]] std::optional<ConfigValue> parse_config(std::string_view text, const std::string& file,
                                                      std::vector<ConfigIssue>& issues);

}  // namespace tempera::core
