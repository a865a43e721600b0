// From a file and the command line to a checked struct: the one way by which configs come into the program.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tempera/apps/experiment/document.hpp"
#include "tempera/apps/experiment/study.hpp"
#include "tempera/apps/experiment/study_conflicts.hpp"
#include "tempera/core/config/reader.hpp"
#include "tempera/core/config/writer.hpp"

namespace tempera::cli {

/// A config that was read, with what a run folder keeps of it.
template <class T>
struct LoadedConfig {
  T config;
  std::vector<std::pair<std::string, std::string>> overrides;  ///< what the study set: path and JSON text
  core::ConfigValue resolved;                                  ///< every field; write with core::pretty_json
  core::ConfigValue source;                                    ///< as it was given: knows the places
  Origins origins;                                             ///< of what the study set
};

/// A file's experiments.
template <class T>
struct LoadedFile {
  std::string text;                   ///< of the file as it was written
  LoadedConfig<T> whole;              ///< the file as it stands, study included
  std::vector<LoadedConfig<T>> runs;  ///< one per combination of the study; one if there is none
};

/// Reads one document. Appends what is wrong to `issues`; the result means something only if that is nothing.
template <class T>
[[nodiscard]] LoadedConfig<T> read_config(const core::ConfigValue& document, T defaults,
                                          std::vector<core::ConfigIssue>& issues) {
  LoadedConfig<T> result{std::move(defaults), {}, {}, document, {}};
  const core::FieldsFn fields = [&result](core::FieldVisitor& v) { result.config.fields(v); };
  const std::size_t before = issues.size();
  core::read_fields(document, fields, issues);
  if (issues.size() == before) result.resolved = core::write_fields(fields);
  return result;
}

/// Drops issues that repeat an earlier one, as every run of a study has the mistakes of their common document.
void drop_repeated(std::vector<core::ConfigIssue>& issues);

/// Loads `file` with `sets` ("PATH=VALUE"), expands its study and reads every run. `defaults` is a T whose registries are
/// set. Throws ConfigError with all issues of all runs.
template <class T>
[[nodiscard]] LoadedFile<T> load_config(const std::filesystem::path& file, std::span<const std::string> sets = {},
                                        const T& defaults = {}) {
  std::vector<core::ConfigIssue> issues;
  const std::optional<ConfigDocument> document = load_document(file, sets, issues);
  if (!document) throw core::ConfigError(std::move(issues));
  LoadedFile<T> result{document->text, read_config(document->value, defaults, issues), {}};
  DistinctRuns distinct;
  const std::vector<StudyVariant> variants = expand_study(document->value, issues);
  for (const StudyVariant& variant : variants) {
    const std::size_t before = issues.size();
    result.runs.push_back(read_config(variant.document, defaults, issues));
    result.runs.back().overrides = variant.overrides;
    result.runs.back().origins = variant.origins;
    if (variants.size() > 1 && issues.size() == before) distinct.add(variant, result.runs.back().resolved, issues);
    point_to_origins(variant.origins, issues, before);
  }
  drop_repeated(issues);
  if (!issues.empty()) throw core::ConfigError(std::move(issues));
  return result;
}

}  // namespace tempera::cli
