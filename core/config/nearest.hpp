// Which known word a misspelt one was meant to be.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace tempera::core {

/// Fewest insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`, letter case apart
/// (optimal string alignment).
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// The known word nearest to `word`; empty if none is near (more than a third of the letters wrong, and neither word
/// begins with the other).
[[nodiscard]] std::string nearest(std::string_view word, std::span<const std::string> known);

/// `; did you mean "x"?`, or `; known are a, b, c` where nothing is near; empty if nothing is known.
[[nodiscard]] std::string suggestion(std::string_view word, std::span<const std::string> known);

}  // namespace tempera::core
