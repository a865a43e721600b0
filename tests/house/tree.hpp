// The source tree as the house tests see it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace tempera::house {

struct SourceFile {
  std::string path;  ///< from the root of the tree, "core/tensor.hpp"
  std::string text;
};

/// The files below `folder` ("" for the whole tree) whose name ends in one of `endings`; every file if there are none.
/// Build trees, run folders and what git keeps for itself are left out. Sorted by path.
std::vector<SourceFile> read_tree(const std::string& folder, const std::vector<std::string>& endings);

}  // namespace tempera::house
