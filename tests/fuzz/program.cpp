// Feeds arbitrary bytes to the program reader as a file: whatever they are, the answer is a program that passes check()
// and holds no more than the file, or a CheckpointError.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tempera/core/errors.hpp"
#include "tempera/quant/program_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const int file = ::memfd_create("program", MFD_CLOEXEC);
  if (file < 0 || ::write(file, data, size) != static_cast<ssize_t>(size)) std::abort();
  try {
    const auto program = tempera::quant::load_program("/proc/self/fd/" + std::to_string(file));
    if (tempera::quant::stored_bytes(program) > 64 * static_cast<std::int64_t>(size) + 64) std::abort();
  } catch (const tempera::core::CheckpointError& error) {
    if (std::string_view(error.what()).empty()) std::abort();
  }
  ::close(file);
  return 0;
}
