#include "tempera/quant/site_pattern.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>
#include <utility>

namespace tempera::quant {
namespace {

constexpr std::size_t kFew = 3;    // names that are suggested
constexpr std::size_t kMany = 12;  // names that are listed where none is near

// The edits that make `name` one that the pattern takes; what a star stands for costs nothing.
std::size_t distance(std::string_view pattern, std::string_view name) {
  std::vector<std::size_t> last(name.size() + 1), row(name.size() + 1);
  for (std::size_t j = 0; j <= name.size(); ++j) last[j] = j;
  for (const char c : pattern) {
    row[0] = c == '*' ? last[0] : last[0] + 1;
    for (std::size_t j = 1; j <= name.size(); ++j) {
      row[j] = c == '*' ? std::min(last[j], row[j - 1])
                        : std::min({last[j - 1] + (c == name[j - 1] ? 0 : 1), last[j] + 1, row[j - 1] + 1});
    }
    last.swap(row);
  }
  return last.back();
}

}  // namespace

// The last star met takes one character more whenever what follows it does not fit: those before it need not be asked again, so
// that many of them cost no more than the product of the lengths.
bool matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0, n = 0;
  std::size_t after_star = std::string_view::npos, taken_to = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      after_star = ++p;
      taken_to = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (after_star != std::string_view::npos) {
      p = after_star;
      n = ++taken_to;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::string site_suggestion(std::string_view pattern, const std::vector<std::string>& names) {
  constexpr std::size_t kLongest = 200;  // longer ones are no misspelt names, and the distance costs their product
  const auto letters = pattern.size() - static_cast<std::size_t>(std::ranges::count(pattern, '*'));
  std::vector<std::pair<std::size_t, std::string>> near;
  for (const std::string& name : names) {
    if (pattern.size() > kLongest) break;
    if (const std::size_t edits = distance(pattern, name); edits <= std::max<std::size_t>(1, letters / 3)) {
      near.emplace_back(edits, fmt::format("\"{}\"", name));
    }
  }
  std::ranges::stable_sort(near, {}, &std::pair<std::size_t, std::string>::first);
  if (!near.empty()) {
    near.resize(std::min(near.size(), kFew));
    std::vector<std::string> words;
    for (auto& [edits, word] : near) words.push_back(std::move(word));
    return fmt::format("; did you mean {}?", fmt::join(words, ", "));
  }
  if (names.empty()) return {};
  const std::span<const std::string> shown = std::span(names).first(std::min(names.size(), kMany));
  return fmt::format("; known are {}{}", fmt::join(shown, ", "),
                     shown.size() == names.size() ? "" : fmt::format(" and {} more", names.size() - shown.size()));
}

}  // namespace tempera::quant
