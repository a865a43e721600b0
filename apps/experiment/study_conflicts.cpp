#include "tempera/apps/experiment/study_conflicts.hpp"

#include <fmt/format.h>

#include <string_view>

#include "tempera/apps/experiment/content_hash.hpp"
#include "tempera/apps/version.hpp"

namespace tempera::cli {
namespace {

using core::ConfigIssue;
using core::ConfigValue;
using Kind = ConfigValue::Kind;

bool is_within(std::string_view pointer, std::string_view outer) {
  return pointer.starts_with(outer) && (pointer.size() == outer.size() || pointer[outer.size()] == '/');
}

// Whether `value` gives what `pointer` names in it.
bool gives(const ConfigValue& value, std::string_view pointer) {
  const ConfigValue* at = &value;
  while (at != nullptr && !pointer.empty()) {
    if (at->is(Kind::kText)) return pointer == "/type";  // "sgd" is short for {"type": "sgd"}
    pointer.remove_prefix(1);
    const std::string_view token = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(token.size());
    at = core::child_at(*at, token);
  }
  return at != nullptr;
}

}  // namespace

void SetValues::add(std::string set, const ConfigValue& value, std::string origin, std::vector<ConfigIssue>& issues) {
  for (const Entry& earlier : entries_) {
    // What an earlier object left open may be set within it.
    const bool replaces = is_within(earlier.set, set) ||
                          (is_within(set, earlier.set) && gives(*earlier.value, set.substr(earlier.set.size())));
    if (!replaces) continue;
    issues.push_back(
        {value.place.file, value.place.line, origin,
         fmt::format("sets {}, which {} sets, too: a run would have only the later value, and tables would name both",
                     is_within(earlier.set, set) ? earlier.set : set, earlier.origin)});
    break;
  }
  entries_.push_back({std::move(set), std::move(origin), &value});
}

void DistinctRuns::add(const StudyVariant& variant, const ConfigValue& resolved, std::vector<ConfigIssue>& issues) {
  const auto [earlier, is_new] = seen_.emplace(content_hash(resolved, "", kFormatVersion), variant.overrides);
  if (is_new) return;
  std::string now, before;
  ConfigIssue issue;
  for (std::size_t i = 0; i < variant.overrides.size(); ++i) {
    const auto& [path, value] = variant.overrides[i];
    if (earlier->second[i].second == value) continue;
    const char* space = now.empty() ? "" : " ";
    now += fmt::format("{}{}={}", space, path, value);
    before += fmt::format("{}{}={}", space, path, earlier->second[i].second);
    issue = variant.sources[i];
  }
  issue.message = fmt::format("every combination must be a run of its own, and {} is the same run as {}", now, before);
  issues.push_back(std::move(issue));
}

}  // namespace tempera::cli
