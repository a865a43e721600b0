// Data sets made of four files: pairing images and labels, and what must hold between them.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string_view>

#include "tempera/datasets/config.hpp"
#include "tempera/datasets/dataset.hpp"
#include "tempera/datasets/environment.hpp"
#include "tempera/datasets/locate.hpp"

namespace tempera::data {

/// Four IDX files as a set with that many classes; `expected` are the SHA-256 that a known set's files must have.
/// Throws DataError if a file is damaged or of other content, if images and labels do not fit together, if a label is no
/// class, or if training and test images differ in shape.
[[nodiscard]] Dataset load_idx(const FileSet& files, std::int64_t classes, const KnownSet* expected,
                               const Environment& environment);

/// The same for the four .npy files.
[[nodiscard]] Dataset load_npy(const FileSet& files, std::int64_t classes);

/// The set that a config with name idx or npy means.
[[nodiscard]] Dataset load_own(const DataConfig& config, const Environment& environment);

}  // namespace tempera::data
