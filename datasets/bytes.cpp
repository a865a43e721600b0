#include "tempera/datasets/bytes.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <system_error>

#include "tempera/core/errors.hpp"
#include "tempera/core/system_memory.hpp"
#include "tempera/datasets/file_handle.hpp"

namespace tempera::data {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* action) {
  throw core::DataError(path.string(), fmt::format("cannot {}: {}", action, std::generic_category().message(errno)));
}

}  // namespace

std::shared_ptr<std::uint8_t[]> writable_bytes(std::size_t size) {
  auto* memory = static_cast<std::uint8_t*>(core::take_memory(size));
  if (memory == nullptr) throw std::bad_alloc();
  return {memory, [size](std::uint8_t* m) { core::release_memory(m, size); }};
}

Bytes read_file(const std::filesystem::path& path) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  const FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) fail(path, "open");
  struct stat facts = {};
  if (::fstat(file.get(), &facts) != 0) fail(path, "examine");
  if (!S_ISREG(facts.st_mode)) throw core::DataError(path.string(), "a data file must be a regular file");
  if (facts.st_size > kMaxFileBytes) {
    throw core::DataError(path.string(),
                          fmt::format("a data file may have {} bytes, this one has {}", kMaxFileBytes, facts.st_size));
  }
  const auto size = static_cast<std::size_t>(facts.st_size);
  const auto data = writable_bytes(size);
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(file.get(), data.get() + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path, "read");
    if (got == 0) break;  // it shrank since fstat; what is missing is found by the parser
    done += static_cast<std::size_t>(got);
  }
  return {data, done};
}

}  // namespace tempera::data
