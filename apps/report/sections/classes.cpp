#include "tempera/apps/report/sections/classes.hpp"

#include <fmt/format.h>

namespace tempera::cli::report::sections {

std::vector<std::string> class_numbers(std::size_t count) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(fmt::format("{}", i));
  return out;
}

std::vector<std::string> class_titles(const RunData& run, std::size_t count) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back(has_class_names(run) ? fmt::format("{} {}", class_name(run, i), i) : fmt::format("{}", i));
  }
  return out;
}

std::string class_key(const RunData& run, std::size_t count) {
  if (!has_class_names(run)) return {};
  std::string out = "Classes:";
  for (std::size_t i = 0; i < count; ++i) out += fmt::format("{} {} {}", i == 0 ? "" : ",", i, class_name(run, i));
  return out + ".";
}

}  // namespace tempera::cli::report::sections
