// Where the four files of a known set are.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tempera/core/errors.hpp"
#include "tempera/datasets/environment.hpp"
#include "tempera/datasets/known_sets.hpp"

namespace tempera::data {

/// A set that is in none of the places and could not be fetched. The message lists every place that was looked at.
class SetNotFound : public core::DataError {
 public:
  using core::DataError::DataError;
};

/// The four files of a set, in the order of kMnistFiles.
struct FileSet {
  std::array<std::filesystem::path, 4> files;
  std::string origin;  ///< "/srv/data/mnist (TEMPERA_DATA)"
  std::string
      passed_over;  ///< why data.dir was not it: "/somewhere: no such folder"; empty where it was, or was not given
};

/// The file `stem` in `folder`, gzipped or not, also in the spelling "train-images.idx3-ubyte" that unpacked copies have.
[[nodiscard]] std::optional<std::filesystem::path> find_file(const std::filesystem::path& folder,
                                                             std::string_view stem);

/// Looks in: `dir` (data.dir), TEMPERA_DATA, the working directory, the system's data sets, the cache; then downloads to
/// the cache. The first folder that has all four files is taken; nothing of their content is looked at.
/// Throws SetNotFound; DataError if `dir` is given but cannot be read.
[[nodiscard]] FileSet locate(const KnownSet& set, const std::optional<std::string>& dir,
                             const Environment& environment);

/// The four files in a folder of the user's own. Throws DataError that names those that are missing.
[[nodiscard]] FileSet files_in(const std::filesystem::path& folder);

}  // namespace tempera::data
