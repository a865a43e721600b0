// Files for the tests of data sets: made in memory, in a folder that goes away with the test.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "tempera/datasets/bytes.hpp"
#include "tempera/datasets/environment.hpp"

namespace tempera::test {

using ByteVector = std::vector<std::uint8_t>;

class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  std::filesystem::path write(const std::string& name, std::span<const std::uint8_t> bytes) const;

 private:
  std::filesystem::path path_;
};

/// The bytes of an IDX file of unsigned bytes.
ByteVector idx_file(const std::vector<std::int64_t>& extents, const ByteVector& elements);
/// What `gzip` makes of them.
ByteVector gzip(const ByteVector& bytes);
/// The bytes of a .npy file, version 1.0, with that dictionary.
ByteVector npy_file(const std::string& dictionary, std::span<const std::uint8_t> elements);
data::Bytes as_bytes(const ByteVector& bytes);

/// Surroundings without network, data or cache, in which nothing is found but what a test puts there.
data::Environment bare_environment(const std::filesystem::path& folder);
/// Four small IDX files under their usual names: 6 training and 3 test images of 2×2, labels 0 1 2 0 1 2 and 0 1 2.
void write_small_set(const TemporaryFolder& folder);

/// The error that fn throws, as text; empty if it throws none of that type.
template <class ErrorType, class Fn>
std::string message_of(Fn fn) {
  try {
    fn();
  } catch (const ErrorType& error) {
    return error.what();
  }
  return {};
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace tempera::test
