#include "tempera/datasets/idx.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tempera/core/errors.hpp"
#include "tempera/datasets/gzip.hpp"

namespace tempera::data {
namespace {

constexpr std::uint8_t kUnsignedByte = 0x08;

std::int64_t big_endian(std::span<const std::uint8_t> bytes) noexcept {
  return (std::int64_t{bytes[0]} << 24) | (std::int64_t{bytes[1]} << 16) | (std::int64_t{bytes[2]} << 8) | bytes[3];
}

void check_magic(std::span<const std::uint8_t> head, const std::string& file) {
  if (head.size() < 4) {
    throw core::DataError(file, static_cast<std::int64_t>(head.size()), "an IDX file has at least 4 bytes: truncated");
  }
  const auto magic = fmt::format("0x{:08x}", static_cast<std::uint32_t>(big_endian(head)));
  if (head[0] != 0 || head[1] != 0) {
    throw core::DataError(file, 0, fmt::format("wrong magic number {}: an IDX file begins with two zero bytes", magic));
  }
  if (head[2] != kUnsignedByte) {
    throw core::DataError(file, 2,
                          fmt::format("wrong magic number {}: the element type must be 0x08, unsigned byte, "
                                      "received 0x{:02x}",
                                      magic, head[2]));
  }
  if (head[3] != 1 && head[3] != 3 && head[3] != 4) {
    throw core::DataError(file, 3,
                          fmt::format("wrong magic number {}: the rank must be 1 (labels), 3 or 4 (images), "
                                      "received {}",
                                      magic, head[3]));
  }
}

[[noreturn]] void fail_length(const std::string& file, const IdxHeader& header, std::int64_t received) {
  throw core::DataError(
      file, received,
      fmt::format("truncated: the header announces {} bytes in all, the file has {}", header.total, received));
}

[[noreturn]] void fail_too_long(const std::string& file, const IdxHeader& header) {
  throw core::DataError(file, header.total,
                        fmt::format("too long: the header announces {} bytes in all, and more follow", header.total));
}

}  // namespace

IdxHeader parse_idx_header(std::span<const std::uint8_t> head, const std::string& file) {
  check_magic(head, file);
  const std::size_t rank = head[3];
  IdxHeader header{.extents = {}, .bytes = static_cast<std::int64_t>(4 + 4 * rank), .total = 1};
  if (head.size() < 4 + 4 * rank) {
    throw core::DataError(file, static_cast<std::int64_t>(head.size()),
                          fmt::format("truncated: a header of rank {} has {} bytes", rank, header.bytes));
  }
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const std::size_t offset = 4 + 4 * axis;
    const std::int64_t extent = big_endian(head.subspan(offset, 4));
    if (extent == 0) {
      throw core::DataError(file, static_cast<std::int64_t>(offset),
                            fmt::format("extents must be at least 1, axis {} has 0 (no items?)", axis));
    }
    if (__builtin_mul_overflow(header.total, extent, &header.total) || header.total > kMaxFileBytes) {
      throw core::DataError(file, static_cast<std::int64_t>(offset),
                            fmt::format("the header announces more than {} elements", kMaxFileBytes));
    }
    header.extents.push_back(extent);
  }
  header.total += header.bytes;
  return header;
}

Bytes decompress_idx(std::span<const std::uint8_t> compressed, const std::string& file) {
  GzipReader reader(compressed, file);
  std::uint8_t head[kMaxIdxHeader];
  const std::size_t head_bytes = reader.read(head);
  const IdxHeader header = parse_idx_header({head, head_bytes}, file);
  const auto at_most = static_cast<std::int64_t>(compressed.size()) * kMaxGzipExpansion;
  if (header.total > at_most) {
    throw core::DataError(file, 4,
                          fmt::format("truncated: the header announces {} bytes in all, and {} compressed bytes "
                                      "hold at most {}",
                                      header.total, compressed.size(), at_most));
  }
  const auto total = static_cast<std::size_t>(header.total);
  if (total < head_bytes) fail_too_long(file, header);
  const auto data = writable_bytes(total);
  std::copy(head, head + head_bytes, data.get());
  const std::size_t done = head_bytes + reader.read({data.get() + head_bytes, total - head_bytes});
  if (done < total) fail_length(file, header, static_cast<std::int64_t>(done));
  std::uint8_t excess = 0;
  if (reader.read({&excess, 1}) > 0) fail_too_long(file, header);
  return {data, total};
}

IdxArray parse_idx(Bytes content, const std::string& file) {
  const IdxHeader header = parse_idx_header(content.span(), file);
  const auto size = static_cast<std::int64_t>(content.size());
  if (size < header.total) fail_length(file, header, size);
  if (size > header.total) fail_too_long(file, header);
  const auto first = static_cast<std::size_t>(header.bytes);
  Bytes elements = content.part(first, content.size() - first);
  return {.extents = header.extents, .elements = std::move(elements), .content = std::move(content)};
}

IdxArray read_idx(const Bytes& bytes, const std::string& file) {
  return parse_idx(is_gzip(bytes.span()) ? decompress_idx(bytes.span(), file) : bytes, file);
}

}  // namespace tempera::data
