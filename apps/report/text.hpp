// Text and numbers as they may stand in HTML and SVG. Everything that comes from a file passes through escape().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tempera::cli::report {

/// `text` safe as content and as a quoted attribute of HTML and XML: & < > " ' become references, bytes that are not
/// UTF-8 and control characters XML 1.0 forbids become U+FFFD.
[[nodiscard]] std::string escape(std::string_view text);

/// A coordinate: at most two decimals, no trailing zeros, no "-0"; "0" for what is not finite (a mark that has no place
/// is not drawn at all; this keeps the document well-formed should one slip through).
[[nodiscard]] std::string coordinate(double value);

/// `value` with `digits` significant digits, "–" for what is not a number.
[[nodiscard]] std::string significant(double value, int digits = 3);

/// `value` with `decimals` decimals, without the sign of what rounds to 0; "–" for what is not a number.
[[nodiscard]] std::string fixed(double value, int decimals);

/// 0.9823 → "98.23 %"; "–" for what is not a number.
[[nodiscard]] std::string percent(double share, int decimals = 2);

/// A probability as a reader wants it: "0.9821", "< 0.0001"; "–" for what is not a number.
[[nodiscard]] std::string probability(double p);

/// 101770 → "101 770", grouped with no-break thin spaces (U+202F), as ISO 80000-1 asks.
[[nodiscard]] std::string grouped(std::int64_t value);

/// 4.13 → "4.1 s", 265 → "4 min 25 s", 9000 → "2 h 30 min"; "–" for what is not a number.
[[nodiscard]] std::string duration(double seconds);

/// 407080 → "407 kB" (powers of 1000).
[[nodiscard]] std::string bytes(std::int64_t count);

}  // namespace tempera::cli::report
