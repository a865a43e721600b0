// A configuration of a registered type from JSON, as a config file gives it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tempera/core/config/reader.hpp"
#include "tempera/core/fields.hpp"

[[nodiscard]] inline std::unique_ptr<tempera::core::Configurable> configured(const tempera::core::TypeCatalog& catalog,
                                                                             const std::string& json) {
  std::unique_ptr<tempera::core::Configurable> thing;
  tempera::core::read_json("{\"it\": " + json + "}", "test",
                           [&](tempera::core::FieldVisitor& v) { v.typed("it", catalog, thing, {.help = "it"}); });
  return thing;
}
