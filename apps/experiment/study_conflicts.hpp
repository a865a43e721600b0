// Values of a study that undo one another, and combinations that are one run: tables would name what was never run.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tempera/apps/experiment/study.hpp"
#include "tempera/core/config/value.hpp"

namespace tempera::cli {

/// The values that one combination puts into its document, in their order.
class SetValues {
 public:
  /// Notes that `value`, which stands at `origin` in the config and must outlive this, was written to `set`. Appends an
  /// issue that points to it if it replaced an earlier value or a part that this had given.
  void add(std::string set, const core::ConfigValue& value, std::string origin, std::vector<core::ConfigIssue>& issues);

 private:
  struct Entry {
    std::string set, origin;
    const core::ConfigValue* value;
  };
  std::vector<Entry> entries_;
};

/// The runs of a study by what they resolve to.
class DistinctRuns {
 public:
  /// Appends an issue that points to the last value in which `variant` differs from an earlier one of the same config.
  void add(const StudyVariant& variant, const core::ConfigValue& resolved, std::vector<core::ConfigIssue>& issues);

 private:
  std::map<std::string, std::vector<std::pair<std::string, std::string>>> seen_;  // overrides by hash of the config
};

}  // namespace tempera::cli
