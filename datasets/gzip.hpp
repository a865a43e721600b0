// Decompression of gzip (RFC 1952) that is strict and bounded: the caller says how many bytes it wants, and anything
// damaged, missing or left over is an error.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

struct z_stream_s;  // zlib's, kept out of headers

namespace tempera::data {

/// Whether the bytes begin as a gzip member does.
[[nodiscard]] bool is_gzip(std::span<const std::uint8_t> bytes) noexcept;

/// No deflate stream expands by more than this factor (zlib's technical notes: 1032 : 1).
inline constexpr std::int64_t kMaxGzipExpansion = 1032;

/// Decompresses one or several concatenated members piece by piece.
class GzipReader {
 public:
  /// `compressed` must outlive the reader. `file` names it in errors.
  GzipReader(std::span<const std::uint8_t> compressed, std::string file);
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;
  ~GzipReader();

  /// Fills `out` as far as the stream goes; fewer bytes only at its end. Throws DataError, with the offset in the
  /// compressed file, if the stream is damaged, ends early, or is followed by bytes that are no gzip member.
  [[nodiscard]] std::size_t read(std::span<std::uint8_t> out);

 private:
  void feed();
  void finish_member();
  [[nodiscard]] std::int64_t position() const noexcept;
  [[noreturn]] void fail(const std::string& message) const;

  std::span<const std::uint8_t> compressed_;
  std::string file_;
  std::size_t fed_ = 0;  // bytes of compressed_ that zlib was shown
  bool ended_ = false;
  std::unique_ptr<z_stream_s> stream_;
};

}  // namespace tempera::data
