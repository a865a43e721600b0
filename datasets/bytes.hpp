// Immutable bytes with shared ownership, and how they come from a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

namespace tempera::data {

/// Bytes that nobody writes to any more. Copies and parts share them.
class Bytes {
 public:
  Bytes() = default;
  Bytes(std::shared_ptr<const std::uint8_t[]> data, std::size_t size) : data_(std::move(data)), size_(size) {}

  [[nodiscard]] const std::uint8_t* data() const noexcept { return data_.get(); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::span<const std::uint8_t> span() const noexcept { return {data_.get(), size_}; }
  /// Bytes [first, first + count); the whole stays alive. The caller guarantees that they exist.
  [[nodiscard]] Bytes part(std::size_t first, std::size_t count) const {
    return {std::shared_ptr<const std::uint8_t[]>(data_, data_.get() + first), count};
  }

 private:
  std::shared_ptr<const std::uint8_t[]> data_;
  std::size_t size_ = 0;
};

/// Memory to be filled and then made Bytes of. Throws std::bad_alloc.
[[nodiscard]] std::shared_ptr<std::uint8_t[]> writable_bytes(std::size_t size);

/// No data file may be (or become, once decompressed) larger than this: 8 GiB.
inline constexpr std::int64_t kMaxFileBytes = std::int64_t{1} << 33;

/// The whole content of a regular file. Throws DataError if it cannot be opened or read, is no regular file, or is
/// larger than kMaxFileBytes.
[[nodiscard]] Bytes read_file(const std::filesystem::path& path);

}  // namespace tempera::data
