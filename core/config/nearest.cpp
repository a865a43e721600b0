#include "tempera/core/config/nearest.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <vector>

namespace tempera::core {
namespace {

constexpr std::size_t kLongestWord = 100;  // longer ones are not misspelt names, and the distance costs their product

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

}  // namespace

std::size_t edit_distance(std::string_view first, std::string_view second) {
  const std::string a = lower(first);
  const std::string b = lower(second);
  std::vector<std::size_t> above(b.size() + 1);  // the row of a's prefix shorter by two
  std::vector<std::size_t> last(b.size() + 1);   // … by one
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    above.swap(last);
    last.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], above[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::string nearest(std::string_view word, std::span<const std::string> known) {
  if (word.empty() || word.size() > kLongestWord) return {};
  const std::string* best = nullptr;
  std::size_t best_distance = word.size() == 1 ? 1 : std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = &candidate;
    }
  }
  if (best != nullptr) return *best;
  const auto begins = [&](const std::string& candidate) {
    return word.size() >= 3 && (candidate.starts_with(word) || (candidate.size() >= 3 && word.starts_with(candidate)));
  };
  const auto found = std::find_if(known.begin(), known.end(), begins);
  return found == known.end() ? std::string{} : *found;
}

std::string suggestion(std::string_view word, std::span<const std::string> known) {
  if (const std::string near = nearest(word, known); !near.empty()) return fmt::format("; did you mean \"{}\"?", near);
  return known.empty() ? std::string{} : fmt::format("; known are {}", fmt::join(known, ", "));
}

}  // namespace tempera::core
