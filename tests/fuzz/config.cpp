// Any bytes are either refused with issues or are a config whose text, values and structs agree with one another.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "../apps/config_sample.hpp"
#include "tempera/core/config/find_number.hpp"
#include "tempera/core/config/parse.hpp"
#include "tempera/core/config/reader.hpp"
#include "tempera/core/config/writer.hpp"

namespace {

using namespace tempera::core;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_text(const ConfigValue& value) {
  std::vector<ConfigIssue> issues;
  const auto again = parse_config(pretty_json(value), "", issues);
  require(issues.empty() && again && canonical_json(*again) == canonical_json(value));
}

void check_struct(const ConfigValue& value) {
  sample::Experiment config;
  const FieldsFn fields = [&config](FieldVisitor& v) { config.fields(v); };
  std::vector<ConfigIssue> issues;
  read_fields(value, fields, issues);
  for (const ConfigIssue& issue : issues) require(!issue.message.empty() && issue.line > 0);
  const std::string text = write_json(fields);  // what could not be read has its default
  sample::Experiment again;
  const FieldsFn again_fields = [&again](FieldVisitor& v) { again.fields(v); };
  if (!issues.empty()) return;
  read_json(text, "", again_fields);
  require(write_json(again_fields) == text);
  try {
    find_number(again_fields, config.name) += 1;  // the name stands in for a schedule's target
  } catch (const ConfigError&) {
    return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<ConfigIssue> issues;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = parse_config(text, "", issues);
  require(value || !issues.empty());
  if (!value) return 0;
  check_text(*value);
  if (value->is(ConfigValue::Kind::kObject)) check_struct(*value);
  return 0;
}
