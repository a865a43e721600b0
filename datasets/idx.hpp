// The IDX format of MNIST (LeCun, Cortes, Burges: "The MNIST database", section "File formats"): two zero bytes, the
// element type, the rank, one big-endian 32-bit extent per axis, then the elements, row-major. tempera reads unsigned
// bytes of rank 1 (labels), 3 ([n, height, width]) and 4 ([n, channels, height, width]).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tempera/datasets/bytes.hpp"

namespace tempera::data {

/// The first bytes of an IDX file, understood.
struct IdxHeader {
  std::vector<std::int64_t> extents;  ///< one per axis, each ≥ 1
  std::int64_t bytes = 0;             ///< length of the header
  std::int64_t total = 0;             ///< length of the whole (decompressed) file
};

/// A file's elements and everything that was read to get them.
struct IdxArray {
  std::vector<std::int64_t> extents;
  Bytes elements;  ///< row-major
  Bytes content;   ///< the whole decompressed file, of which a SHA-256 can be taken
};

/// Bytes that suffice to read any header.
inline constexpr std::size_t kMaxIdxHeader = 20;

/// Reads a header from the beginning of a decompressed file. Throws DataError for a wrong magic number, another element
/// type or rank, an extent of 0, a header cut short, or a total above kMaxFileBytes.
[[nodiscard]] IdxHeader parse_idx_header(std::span<const std::uint8_t> head, const std::string& file);

/// Decompresses an IDX file. Memory is taken only for what the header announces, and only if that much can be in the
/// file, so that neither a header that lies nor a decompression bomb costs more than it could honestly claim.
/// Throws DataError if the stream is damaged, or shorter or longer than announced.
[[nodiscard]] Bytes decompress_idx(std::span<const std::uint8_t> compressed, const std::string& file);

/// Reads a decompressed IDX file without copying it. Throws DataError like parse_idx_header, and if the file is shorter
/// or longer than announced.
[[nodiscard]] IdxArray parse_idx(Bytes content, const std::string& file);

/// Either of the two, by the first bytes: the entry for any bytes that claim to be an IDX file.
[[nodiscard]] IdxArray read_idx(const Bytes& bytes, const std::string& file);

}  // namespace tempera::data
