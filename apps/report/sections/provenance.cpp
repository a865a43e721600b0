// What made the run: program, processor, data.
#include <algorithm>
#include <string>
#include <utility>

#include "tempera/apps/report/html.hpp"
#include "tempera/apps/report/run_data.hpp"

namespace tempera::cli::report::sections {

std::string provenance(const RunData& run) {
  Table table{"What made this run", {"fact", "value"}, {}, 2};
  for (const auto& [key, value] : run.provenance) table.rows.push_back({key, value});
  const bool known = std::ranges::find(run.provenance, "data.sha256", &std::pair<std::string, std::string>::first) !=
                     run.provenance.end();
  if (!known && !run.summary.data.sha256.empty()) table.rows.push_back({"data SHA-256", run.summary.data.sha256});
  if (table.rows.empty()) return {};
  return folded("Program, processor, threads, data", render(table), true, true);
}

}  // namespace tempera::cli::report::sections
