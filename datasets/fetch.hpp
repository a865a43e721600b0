// Known sets from their public mirrors to the cache folder.
#pragma once

#include "tempera/datasets/environment.hpp"
#include "tempera/datasets/locate.hpp"

namespace tempera::data {

/// Why a set could not be downloaded: one line for each mirror, each beginning with a line break and two spaces.
class FetchError : public core::DataError {
 public:
  using core::DataError::DataError;
};

/// Downloads what is missing of the four files to <cache>/<name>/. A file gets its name only after the SHA-256 of its
/// decompressed content was checked. Several processes may do so at once: one downloads, the others wait for it.
/// Throws FetchError.
[[nodiscard]] FileSet fetch(const KnownSet& set, const Environment& environment);

}  // namespace tempera::data
