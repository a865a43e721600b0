#include "tempera/apps/experiment/load_config.hpp"

#include <set>

namespace tempera::cli {

void drop_repeated(std::vector<core::ConfigIssue>& issues) {
  std::set<std::string> seen;
  std::erase_if(issues, [&seen](const core::ConfigIssue& issue) { return !seen.insert(issue.text()).second; });
}

}  // namespace tempera::cli
