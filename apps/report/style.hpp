// The style sheets of the page and of its charts, and the page's only script.
#pragma once

#include <string>
#include <string_view>

namespace tempera::cli::report {

/// Rules for charts, with the colours of both themes; all a chart needs on its own.
[[nodiscard]] std::string chart_style();

/// Rules for the page around them: screen, phone and paper.
[[nodiscard]] std::string_view page_style();

/// Moves the temperature slider. The page says everything without it.
[[nodiscard]] std::string_view page_script();

/// The Content-Security-Policy under which the page loads nothing and runs that script alone (by its hash), whatever
/// text found its way into it.
[[nodiscard]] std::string content_security_policy();

}  // namespace tempera::cli::report
