// The sets that have a fixed content: their files, checksums, classes and mirrors, all in one place.
#pragma once

#include <array>
#include <span>
#include <string_view>

namespace tempera::data {

/// In the order of all lists of four files: training images, training labels, test images, test labels.
inline constexpr std::array<std::string_view, 4> kMnistFiles{"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                                             "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};

struct KnownSet {
  std::string_view name;                   ///< in configs and on the command line
  std::string_view title;                  ///< in messages
  std::array<std::string_view, 4> sha256;  ///< of the decompressed files
  std::array<std::string_view, 10> classes;
  std::span<const std::string_view> folders;  ///< names under TEMPERA_DATA and the cache; "." for the folder itself
  std::string_view working;                   ///< folder under the working directory
  std::string_view system;                    ///< folder under /usr/share/datasets; empty if no package brings it
  std::span<const std::string_view> mirrors;  ///< URLs of folders that hold the files with ".gz" appended
};

[[nodiscard]] const KnownSet& mnist();
[[nodiscard]] const KnownSet& fashion_mnist();

}  // namespace tempera::data
