// Which sites the pattern of a rule takes, and which it may have been meant to take.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tempera::quant {

/// '*' stands for any characters; everything else for itself.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view name);

/// `; did you mean "a", "b"?` with up to three of the names that the pattern fits best, its stars apart; what there is where none
/// is near (a third of its letters wrong), or the first of many.
[[nodiscard]] std::string site_suggestion(std::string_view pattern, const std::vector<std::string>& names);

}  // namespace tempera::quant
