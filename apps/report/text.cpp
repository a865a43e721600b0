#include "tempera/apps/report/text.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace tempera::cli::report {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kNone = "–";
constexpr std::string_view kThinSpace = "\u202F";

bool is_continuation(unsigned char byte) { return (byte & 0xC0) == 0x80; }

/// Length of the well-formed UTF-8 sequence at the front of `text` (Unicode 15, table 3-7), 0 if there is none.
std::size_t sequence_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned lead = at(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if (!is_continuation(static_cast<unsigned char>(at(i)))) return 0;
  }
  const bool overlong = (lead == 0xE0 && at(1) < 0xA0) || (lead == 0xF0 && at(1) < 0x90);
  const bool surrogate = lead == 0xED && at(1) >= 0xA0;
  const bool beyond = lead == 0xF4 && at(1) >= 0x90;
  const bool noncharacter = lead == 0xEF && at(1) == 0xBF && at(2) >= 0xBE;  // U+FFFE and U+FFFF, not in XML
  return overlong || surrogate || beyond || noncharacter ? 0 : length;
}

std::string_view reference(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return {};
  }
}

bool forbidden(char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' && c != '\r'; }

std::string without_trailing_zeros(std::string text) {
  if (text.find('.') == std::string::npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

}  // namespace

std::string escape(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    if (length == 0 || forbidden(text.front())) {
      out += kReplacement;
      text.remove_prefix(1);
      continue;
    }
    const std::string_view known = reference(text.front());
    out += known.empty() ? text.substr(0, length) : known;
    text.remove_prefix(length);
  }
  return out;
}

std::string coordinate(double value) {
  return std::isfinite(value) ? without_trailing_zeros(fmt::format("{:.2f}", value)) : "0";
}

std::string significant(double value, int digits) {
  return std::isfinite(value) ? fmt::format("{:.{}g}", value, digits) : std::string(kNone);
}

std::string fixed(double value, int decimals) {
  if (!std::isfinite(value)) return std::string(kNone);
  const std::string text = fmt::format("{:.{}f}", value, decimals);
  return text.find_first_not_of("-0.") == std::string::npos && text.front() == '-' ? text.substr(1) : text;
}

std::string percent(double share, int decimals) {
  return std::isfinite(share) ? fmt::format("{}{}%", fixed(100 * share, decimals), kThinSpace) : std::string(kNone);
}

std::string probability(double p) {
  constexpr double kSmallest = 1e-4;
  if (p > 0 && p < kSmallest) return "< 0.0001";
  return fixed(p, 4);
}

std::string grouped(std::int64_t value) {
  std::string digits = fmt::format("{}", value);
  const std::size_t first = value < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, kThinSpace);
  }
  return digits;
}

std::string duration(double seconds) {
  if (!std::isfinite(seconds)) return std::string(kNone);
  if (seconds < 60) return fmt::format("{:.{}f}{}s", seconds, seconds < 10 ? 1 : 0, kThinSpace);
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{0}{2}min {1}{2}s", whole / 60, whole % 60, kThinSpace);
  return fmt::format("{0}{2}h {1}{2}min", whole / 3600, whole % 3600 / 60, kThinSpace);
}

std::string bytes(std::int64_t count) {
  constexpr std::array<std::string_view, 5> kUnits{"B", "kB", "MB", "GB", "TB"};
  auto value = static_cast<double>(count);
  std::size_t unit = 0;
  for (; value >= 999.5 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
  return fmt::format("{}{}{}", significant(value, 3), kThinSpace, kUnits[unit]);
}

}  // namespace tempera::cli::report
