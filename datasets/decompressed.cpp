#include "tempera/datasets/decompressed.hpp"

#include <algorithm>
#include <span>
#include <system_error>

#include "tempera/core/atomic_file.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/datasets/gzip.hpp"

namespace tempera::data {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kWorthCaching = 1 << 20;  // compressed bytes; below that inflating costs a few milliseconds

struct Entry {
  Bytes content;
  Digest sha256;
};

std::optional<Entry> read_entry(const fs::path& path) {
  std::error_code ignored;  // an entry that cannot be examined is no entry
  if (!fs::is_regular_file(path, ignored)) return std::nullopt;
  Entry entry{};
  try {
    entry.content = read_file(path);
  } catch (const core::DataError&) {  // nor is one that cannot be read: the file itself is decompressed instead
    return std::nullopt;
  }
  if (entry.content.size() < entry.sha256.size()) return std::nullopt;
  const std::size_t size = entry.content.size() - entry.sha256.size();
  std::ranges::copy(entry.content.span().subspan(size), entry.sha256.begin());
  entry.content = entry.content.part(0, size);
  if (sha256(entry.content.span()) != entry.sha256) return std::nullopt;
  return entry;
}

void write_entry(const fs::path& path, const Bytes& content, const Digest& digest) {
  std::error_code ignored;  // a folder that cannot be made shows when the file is
  fs::create_directories(path.parent_path(), ignored);
  try {
    core::AtomicFile file(path);
    file.write(std::as_bytes(content.span()));
    file.write(std::as_bytes(std::span(digest)));
    file.commit();
  } catch (const core::FileError&) {  // a full disk must not keep anyone from training
  }
}

}  // namespace

HashedIdx read_idx_file(const fs::path& path, const std::optional<fs::path>& cache) {
  const Bytes bytes = read_file(path);
  const std::string name = path.string();
  if (!is_gzip(bytes.span())) return {parse_idx(bytes, name), sha256(bytes.span())};
  if (!cache || bytes.size() < kWorthCaching) {
    const Bytes content = decompress_idx(bytes.span(), name);
    return {parse_idx(content, name), sha256(content.span())};
  }
  const fs::path entry_path = *cache / "decompressed" / hex(sha256(bytes.span()));
  if (const auto entry = read_entry(entry_path)) return {parse_idx(entry->content, name), entry->sha256};
  const Bytes content = decompress_idx(bytes.span(), name);
  const Digest digest = sha256(content.span());
  write_entry(entry_path, content, digest);
  return {parse_idx(content, name), digest};
}

}  // namespace tempera::data
