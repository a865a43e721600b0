#include "tempera/apps/experiment/study_conflicts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "tempera/apps/experiment/content_hash.hpp"
#include "tempera/apps/version.hpp"
#include "tempera/core/config/find_number.hpp"

namespace tempera::cli {
namespace {

using core::ConfigIssue;
using core::ConfigValue;
using Kind = ConfigValue::Kind;

bool is_within(std::string_view pointer, std::string_view outer) {
  return pointer.starts_with(outer) && (pointer.size() == outer.size() || pointer[outer.size()] == '/');
}

const ConfigValue* child(const ConfigValue& value, std::string_view token) {
  if (value.is(Kind::kText)) return token == "/type" ? &value : nullptr;  // "sgd" is short for {"type": "sgd"}
  if (value.is(Kind::kList)) {
    const std::size_t index = core::index_of(token.substr(1));
    return index < value.items.size() ? &value.items[index] : nullptr;
  }
  // A name as pointers have it, with its slashes escaped.
  const auto found = std::ranges::find_if(value.members, [token](const core::ConfigMember& member) {
    return core::child_pointer("", member.name) == token;
  });
  return found == value.members.end() ? nullptr : &found->value;
}

// Whether `value` gives what `pointer` names in it.
bool gives(const ConfigValue& value, std::string_view pointer) {
  const ConfigValue* at = &value;
  while (at != nullptr && !pointer.empty()) {
    const std::string_view token = pointer.substr(0, pointer.find('/', 1));
    pointer.remove_prefix(token.size());
    at = child(*at, token);
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
