// The configuration, as written and with every default.
#include <fmt/format.h>

#include "tempera/apps/report/html.hpp"
#include "tempera/apps/report/run_data.hpp"
#include "tempera/apps/report/text.hpp"

namespace tempera::cli::report::sections {
namespace {

std::string listing(const std::string& name, const std::string& text) {
  if (text.empty()) return {};
  return folded(name, fmt::format("<pre tabindex=\"0\" aria-label=\"{}\">{}</pre>", escape(name), escape(text)), false,
                true);
}

}  // namespace

std::string config(const RunData& run) {
  return listing("As written (config.input.json)", run.config_input) +
         listing("Resolved, with every default (config.resolved.json)", run.config_resolved);
}

}  // namespace tempera::cli::report::sections
