// What a path in a config means, for `tempera explain`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tempera/core/config/describe.hpp"
#include "tempera/core/config/value.hpp"

namespace tempera::cli {

/// A field, or a type of a catalog: then `field` is an object with the type's name, help and fields.
struct Explanation {
  std::string path;  ///< complete: "model.layers.conv2d.kernel"
  core::FieldInfo field;
};

/// Explains what `path` names below `fields`. The part after a typed field is a type's name ("optimizer.sgd"); if it is
/// left out ("optimizer.momentum"), there is one explanation for every type that has such a field. Indices of lists are
/// skipped. An empty path explains the whole. Throws ConfigError naming the nearest if nothing has that name.
[[nodiscard]] std::vector<Explanation> explain(const core::FieldsFn& fields, std::string_view path);

/// For people: meaning, type, unit, range, default; below that, the fields of an object or the types to choose from.
[[nodiscard]] std::string explain_text(const Explanation& explanation);

/// The same for programs.
[[nodiscard]] core::ConfigValue explain_json(const Explanation& explanation);

}  // namespace tempera::cli
