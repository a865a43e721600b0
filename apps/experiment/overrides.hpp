// Values set from outside of the file: `--set train.epochs=3`, and what a study varies.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tempera/core/config/value.hpp"

namespace tempera::cli {

/// Sets what `path` names in `document` to `value`: parts are separated by dots; elements of lists are named by index
/// or by the element's own "name" ("model.layers.fc1.out"). Objects on the way that are not there are made, so that
/// reading finds names that do not exist and knows the nearest. Gives the pointer of what was set. Appends an issue at
/// `value`'s place, with `pointer`, if the path cannot be followed.
std::string apply_override(core::ConfigValue& document, std::string_view path, core::ConfigValue value,
                           std::vector<core::ConfigIssue>& issues, std::string_view pointer = "");

/// Applies "PATH=VALUE", where VALUE is JSON, or a plain word, which is text. Its issues have the place "--set PATH=VALUE".
/// With `follow` false, only the form is checked.
void apply_set(core::ConfigValue& document, std::string_view set, bool follow, std::vector<core::ConfigIssue>& issues);

}  // namespace tempera::cli
