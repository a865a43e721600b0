// A cache of decompressed files: inflating MNIST takes longer than everything else about loading it.
//
// An entry is named by the SHA-256 of the compressed file and holds the content followed by the content's 32-byte
// SHA-256, which is checked whenever it is read; a damaged entry is made anew. Nothing depends on the cache: without one,
// or where it cannot be written, files are decompressed every time.
#pragma once

#include <filesystem>
#include <optional>

#include "tempera/datasets/bytes.hpp"
#include "tempera/datasets/idx.hpp"
#include "tempera/datasets/sha256.hpp"

namespace tempera::data {

/// An IDX file and the SHA-256 of its decompressed content.
struct HashedIdx {
  IdxArray array;
  Digest sha256;
};

/// Reads an IDX file, gzipped or not, by way of the cache folder if there is one. Throws DataError as read_file and
/// read_idx do.
[[nodiscard]] HashedIdx read_idx_file(const std::filesystem::path& path,
                                      const std::optional<std::filesystem::path>& cache);

}  // namespace tempera::data
