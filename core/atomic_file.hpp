// Files that are either the old content or the whole new one, whatever happens while they are written.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace tempera::core {

/// Writes to "<target>.tmp" in the target's folder; commit() syncs it, renames it over the target and syncs the folder.
/// Without commit, or after any error, the temporary file is removed and the target is what it was. A temporary file
/// left by a killed process is taken over by the next writer; two living writers of one target are an error.
class AtomicFile {
 public:
  /// Throws FileError when the folder is missing or read-only, or another process is writing the same target.
  explicit AtomicFile(std::filesystem::path target);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  /// Appends. Throws FileError (disk full, quota, file-size limit).
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  /// Makes the content durable under the target's name. Throws FileError; to be called once, last.
  void commit();

 private:
  [[noreturn]] void fail(std::string_view what);
  void discard() noexcept;
  [[nodiscard]] bool is_temporary() const noexcept;

  std::filesystem::path target_, temporary_;
  int descriptor_ = -1;
};

/// All of the bytes, however many calls that takes; false, and errno, where one fails.
[[nodiscard]] bool write_all(int descriptor, std::span<const std::byte> bytes) noexcept;

/// The content at once. Throws FileError.
void write_file_atomically(const std::filesystem::path& target, std::string_view content);

}  // namespace tempera::core
