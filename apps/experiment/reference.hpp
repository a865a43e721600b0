// The description of all configs at once: docs/reference/config.md, and a JSON schema for editors.
#pragma once

#include <string>

#include "tempera/core/config/value.hpp"
#include "tempera/core/fields.hpp"

namespace tempera::cli {

/// Markdown: a table of fields for the top level, for every section, and for every type of every catalog.
[[nodiscard]] std::string reference_markdown(const core::FieldsFn& fields);

/// JSON Schema, draft 2020-12. Catalogs stand in "$defs" by their kind; an unknown key or type is an error there, too.
[[nodiscard]] core::ConfigValue json_schema(const core::FieldsFn& fields);

}  // namespace tempera::cli
