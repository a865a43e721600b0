// How classes are called in charts: by number where room is scarce, by name where there is some.
#pragma once

#include <string>
#include <vector>

#include "tempera/apps/report/run_data.hpp"

namespace tempera::cli::report::sections {

/// "0" … "9".
[[nodiscard]] std::vector<std::string> class_numbers(std::size_t count);

/// "0" … "9" for digits, "Sandal 5" for sets whose classes have names.
[[nodiscard]] std::vector<std::string> class_titles(const RunData& run, std::size_t count);

/// A sentence that says which number is which class; empty for digits.
[[nodiscard]] std::string class_key(const RunData& run, std::size_t count);

}  // namespace tempera::cli::report::sections
