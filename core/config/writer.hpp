// A configurable struct → values, complete and in the order of its fields.
#pragma once

#include <string>

#include "tempera/core/config/value.hpp"
#include "tempera/core/fields.hpp"

namespace tempera::core {

/// Every field with its value, defaults included; what is not set is null. Reading it back gives an equal struct:
/// numbers keep all their bits.
[[nodiscard]] ConfigValue write_fields(const FieldsFn& fields);

/// The same as text. Throws ConfigError where a number is not finite, as JSON has no word for it.
[[nodiscard]] std::string write_json(const FieldsFn& fields);

}  // namespace tempera::core
