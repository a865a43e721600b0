// From a path in a config to the live number it names, so that a schedule can move any number.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tempera/core/fields.hpp"

namespace tempera::core {

/// The number that `path` names in the struct behind `fields`: "optimizer.momentum", "augment.0.pixels", or, for an
/// element of a list that has a name, "model.layers.drop1.rate". The reference is good until the struct is changed
/// otherwise. Throws ConfigError if nothing has that path (with the nearest name where it fails), if it names something
/// that is not a real number, or a number that is not set.
[[nodiscard]] double& find_number(const FieldsFn& fields, std::string_view path);

/// A number that a path names, and what it may be.
struct NumberField {
  double* value = nullptr;
  FieldDoc range;  ///< the bounds alone
};
/// find_number with the range of the field. Throws as that.
[[nodiscard]] NumberField find_number_field(const FieldsFn& fields, std::string_view path);

/// The parts of a path: "a.b.0" → {"a", "b", "0"}. An empty path has none.
[[nodiscard]] std::vector<std::string> split_path(std::string_view path);

/// The index a part of a path stands for; the largest size_t if it is not one.
[[nodiscard]] std::size_t index_of(std::string_view part) noexcept;

}  // namespace tempera::core
