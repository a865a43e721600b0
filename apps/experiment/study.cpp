#include "tempera/apps/experiment/study.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "tempera/apps/experiment/overrides.hpp"
#include "tempera/apps/experiment/study_conflicts.hpp"
#include "tempera/core/config/find_number.hpp"
#include "tempera/core/config/nearest.hpp"

namespace tempera::cli {
namespace {

using core::ConfigIssue;
using core::ConfigMember;
using core::ConfigValue;
using Kind = ConfigValue::Kind;

constexpr std::string_view kVaryPointer = "/study/vary";

void report(const ConfigValue& at, std::string pointer, std::string message, std::vector<ConfigIssue>& issues) {
  issues.push_back({at.place.file, at.place.line, std::move(pointer), std::move(message)});
}

// {"label": "small", "set": {path: value, …}} is a value that sets several paths at once; its member's name is then no path.
const ConfigValue* label_of(const ConfigValue& value) {
  return value.is(Kind::kObject) && value.find("set") != nullptr ? value.find("label") : nullptr;
}

// A run has no study of its own: what is set there would be looked at by nobody.
void check_path(std::string_view path, const ConfigValue& value, std::string pointer,
                std::vector<ConfigIssue>& issues) {
  const std::vector<std::string> parts = core::split_path(path);
  if (parts.empty() || parts.front() != "study") return;
  report(value, std::move(pointer),
         fmt::format("must be a value of the experiment, and \"{}\" is one of the study", core::shortened(path)),
         issues);
}

// No object of a config has a field "label" or "set", so that one of them says what was meant.
bool check_labelled(const ConfigValue& value, const std::string& pointer, std::vector<ConfigIssue>& issues) {
  if (!value.is(Kind::kObject)) return true;
  const ConfigValue* label = value.find("label");
  const ConfigValue* set = value.find("set");
  if (label == nullptr && set == nullptr) return true;
  const std::size_t before = issues.size();
  if (label == nullptr || set == nullptr || value.members.size() != 2) {
    report(value, pointer, "a value under a name has \"label\" and \"set\" and nothing else", issues);
    return false;
  }
  if (!label->is(Kind::kText) || label->text.empty()) {
    report(*label, core::child_pointer(pointer, "label"), "must be a text that is not empty, got " + describe(*label),
           issues);
  }
  if (!set->is(Kind::kObject) || set->members.empty()) {
    report(*set, core::child_pointer(pointer, "set"),
           "must be an object of at least one path and its value, got " + describe(*set), issues);
  }
  for (const ConfigMember& path : set->members) {
    check_path(path.name, path.value, core::child_pointer(core::child_pointer(pointer, "set"), path.name), issues);
  }
  return issues.size() == before;
}

// One member of "vary": a path and its values.
void check_values(const ConfigMember& member, std::vector<ConfigIssue>& issues) {
  const std::string pointer = core::child_pointer(kVaryPointer, member.name);
  if (!member.value.is(Kind::kList) || member.value.items.empty()) {
    report(member.value, pointer, "must be a list of at least one value, got " + describe(member.value), issues);
    return;
  }
  std::set<std::string> seen;
  for (std::size_t i = 0; i < member.value.items.size(); ++i) {
    const ConfigValue& item = member.value.items[i];
    if (!check_labelled(item, core::child_pointer(pointer, i), issues)) continue;
    // Tables and statistics know a labelled value by its label alone: twice the same would be one setting.
    const ConfigValue* label = label_of(item);
    if (label == nullptr) check_path(member.name, item, core::child_pointer(pointer, i), issues);
    const ConfigValue& name = label == nullptr ? item : *label;
    if (!seen.insert(canonical_json(name)).second) {
      report(item, core::child_pointer(pointer, i), "stands twice in the list: " + describe(name), issues);
    }
  }
}

// A resolved config of a single run has every field, and says {"vary": {}, "pair_by": null}.
bool is_resolved(const ConfigValue& study) {
  const ConfigValue* pair_by = study.find("pair_by");
  return pair_by != nullptr && pair_by->is(Kind::kNull);
}

// How many combinations there are; 0 after an issue.
std::size_t check_vary(const ConfigValue& study, const ConfigValue& vary, std::vector<ConfigIssue>& issues) {
  const std::size_t before = issues.size();
  if (!vary.is(Kind::kObject)) {
    report(vary, std::string(kVaryPointer), "must be an object of lists, got " + describe(vary), issues);
    return 0;
  }
  if (study.find("vary") != nullptr && vary.members.empty() && !is_resolved(study)) {
    report(vary, std::string(kVaryPointer),
           "must have at least one path and its values, got an empty object; without \"study\" the config is one run",
           issues);
    return 0;
  }
  std::size_t count = 1;
  for (const ConfigMember& member : vary.members) {
    check_values(member, issues);
    if (issues.size() == before) count *= std::min(member.value.items.size(), kMaxVariants + 1);
    if (count > kMaxVariants) {
      report(vary, std::string(kVaryPointer), fmt::format("makes more than {} runs", kMaxVariants), issues);
      return 0;
    }
  }
  return issues.size() == before ? count : 0;
}

void check_pair_by(const ConfigValue& study, const ConfigValue& vary, std::vector<ConfigIssue>& issues) {
  const ConfigValue* pair_by = study.find("pair_by");
  if (pair_by == nullptr || !pair_by->is(Kind::kText) || vary.find(pair_by->text) != nullptr) return;
  std::vector<std::string> names;
  names.reserve(vary.members.size());
  for (const ConfigMember& member : vary.members) names.push_back(member.name);
  report(*pair_by, "/study/pair_by",
         fmt::format("must be one of the paths that vary, got \"{}\"{}", core::shortened(pair_by->text),
                     core::suggestion(pair_by->text, names)),
         issues);
}

// The combination of that number, the last path being the lowest digit.
StudyVariant variant(const ConfigValue& document, const ConfigValue& vary, std::size_t number,
                     std::vector<ConfigIssue>& issues) {
  std::vector<std::size_t> digits(vary.members.size());
  for (std::size_t k = digits.size(); k-- > 0;) {
    const std::size_t base = vary.members[k].value.items.size();
    digits[k] = number % base;
    number /= base;
  }
  StudyVariant result;
  result.document = document;
  SetValues values;
  const auto apply = [&](const ConfigMember& set, const ConfigValue& value, std::string origin,
                         const std::string& pointer) {
    const std::size_t before = issues.size();
    std::string written = apply_override(result.document, set.name, value, issues, pointer);
    if (issues.size() == before) values.add(written, value, origin, issues);
    result.origins.emplace_back(std::move(written), std::move(origin));
  };
  for (std::size_t k = 0; k < digits.size(); ++k) {
    const ConfigMember& member = vary.members[k];
    const ConfigValue& value = member.value.items[digits[k]];
    const std::string path = core::child_pointer(kVaryPointer, member.name);
    const std::string pointer = core::child_pointer(path, digits[k]);
    const ConfigValue* label = label_of(value);
    result.overrides.emplace_back(member.name, line_json(label == nullptr ? value : *label));
    result.sources.push_back({value.place.file, value.place.line, pointer, {}});
    if (label == nullptr) {
      apply(member, value, pointer, path);
      continue;
    }
    for (const ConfigMember& set : value.find("set")->members) {
      const std::string origin = core::child_pointer(pointer + "/set", set.name);
      apply(set, set.value, origin, origin);
    }
  }
  return result;
}

}  // namespace

void StudyConfig::fields(core::FieldVisitor& v) {
  v.raw(
      "vary", vary,
      {.help =
           "paths and the lists of values they take, such as {\"seed\": [1, 2, 3]}; every combination is run. A value "
           "{\"label\": \"small\", \"set\": {path: value, …}} sets several paths at once, under a name"});
  v.field("pair_by", pair_by, {.help = "the varied path that makes two runs comparable, such as \"seed\""});
}

void point_to_origins(const Origins& origins, std::vector<ConfigIssue>& issues, std::size_t first) {
  for (std::size_t i = first; i < issues.size(); ++i) {
    std::string& pointer = issues[i].pointer;
    std::size_t longest = 0;  // the innermost value; of equal ones that which was set last
    std::string origin;
    for (const auto& [set, from] : origins) {
      const bool within = pointer.starts_with(set) && (pointer.size() == set.size() || pointer[set.size()] == '/');
      if (set.empty() || !within || set.size() < longest) continue;
      longest = set.size();
      origin = from;
    }
    if (longest > 0) pointer.replace(0, longest, origin);
  }
}

std::vector<StudyVariant> expand_study(const ConfigValue& document, std::vector<ConfigIssue>& issues) {
  ConfigValue single = document;
  single.erase("study");
  const ConfigValue* study = document.find("study");
  if (study == nullptr || !study->is(Kind::kObject)) return {{{}, std::move(single), {}, {}}};
  const ConfigValue nothing = ConfigValue::object();
  const ConfigValue* given = study->find("vary");
  const ConfigValue& vary = given == nullptr ? nothing : *given;
  const std::size_t count = check_vary(*study, vary, issues);
  check_pair_by(*study, vary, issues);
  const std::size_t before = issues.size();
  std::vector<StudyVariant> variants;
  for (std::size_t i = 0; i < count && issues.size() == before; ++i) {
    variants.push_back(variant(single, vary, i, issues));
  }
  return variants;
}

}  // namespace tempera::cli
