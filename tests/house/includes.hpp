// The rules of inclusion: who may include whom.
#pragma once

#include <string>
#include <vector>

#include "house/tree.hpp"

namespace tempera::house {

/// The names a file includes, with their brackets: "<vector>", "\"tempera/core/tensor.hpp\"".
std::vector<std::string> includes_of(const std::string& text);

/// What is wrong with a file's includes, one sentence each: an arrow that points up the house, a header of the project
/// reached by another name than its installed one, a library that its headers must not show.
std::vector<std::string> broken_include_rules(const SourceFile& file);

}  // namespace tempera::house
