// A study: one experiment for every combination of what it varies.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tempera/core/config/value.hpp"
#include "tempera/core/fields.hpp"

namespace tempera::cli {

/// The "study" section of a config.
struct StudyConfig {
  std::string vary = "{}";
  std::optional<std::string> pair_by;

  void fields(core::FieldVisitor& v);
};

/// Pointers into a document, and where in the file the values there were written.
using Origins = std::vector<std::pair<std::string, std::string>>;

/// Lets issues from `first` on point to where their values were written.
void point_to_origins(const Origins& origins, std::vector<core::ConfigIssue>& issues, std::size_t first = 0);

/// One combination.
struct StudyVariant {
  std::vector<std::pair<std::string, std::string>> overrides;  ///< path and JSON text, in the order of "vary"
  core::ConfigValue document;                                  ///< the experiment with these, without "study"
  Origins origins;                                             ///< of what these set
  std::vector<core::ConfigIssue> sources;                      ///< place and pointer of each override's value in "vary"
};

/// The product of the lists in "study": {"vary": {path: list, …}}; the last path varies fastest. A document without a
/// study gives itself as the only variant. Appends an issue, with place and pointer, for a "vary" that is not an object
/// of non-empty lists or has none, a value that stands twice in its list or replaces another one of its combination, a
/// path that cannot be followed or leads into the study, a "pair_by" that is not varied, or more than kMaxVariants
/// combinations.
[[nodiscard]] std::vector<StudyVariant> expand_study(const core::ConfigValue& document,
                                                     std::vector<core::ConfigIssue>& issues);

inline constexpr std::size_t kMaxVariants = 10000;

}  // namespace tempera::cli
