#include "tempera/apps/experiment/load_config.hpp"

#include <algorithm>
#include <set>
#include <string>

namespace tempera::cli {

namespace {

// A path that is wrong in "study.vary" is wrong with each of its values; one line says so.
std::string mistake_of(const core::ConfigIssue& issue) {
  const std::size_t last = issue.pointer.rfind('/');
  const bool one_value = issue.pointer.starts_with("/study/vary/") && std::ranges::count(issue.pointer, '/') == 4;
  return one_value ? issue.file + issue.pointer.substr(0, last) + issue.message : issue.text();
}

}  // namespace

void drop_repeated(std::vector<core::ConfigIssue>& issues) {
  std::set<std::string> seen;
  std::erase_if(issues, [&seen](const core::ConfigIssue& issue) { return !seen.insert(mistake_of(issue)).second; });
}

}  // namespace tempera::cli
