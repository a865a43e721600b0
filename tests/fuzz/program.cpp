// Feeds arbitrary bytes to the program reader as a file: whatever they are, the answer is a program that passes check()
// and holds no more than the file, or a CheckpointError.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "tempera/core/errors.hpp"
#include "tempera/quant/program_file.hpp"

namespace {

std::size_t weights_of(const tempera::quant::Program& program) {
  std::size_t count = 0;
  for (const tempera::quant::Instruction& instruction : program.instructions) {
    using namespace tempera::quant::program;
    if (const auto* linear = std::get_if<Linear>(&instruction.operation)) count += linear->weight.values.size();
    if (const auto* conv = std::get_if<Conv2d>(&instruction.operation)) count += conv->weight.values.size();
  }
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const int file = ::memfd_create("program", MFD_CLOEXEC);
  if (file < 0 || ::write(file, data, size) != static_cast<ssize_t>(size)) std::abort();
  try {
    const auto program = tempera::quant::load_program("/proc/self/fd/" + std::to_string(file));
    if (weights_of(program) > 4 * size) std::abort();  // of 2 bits each, at the least
  } catch (const tempera::core::CheckpointError& error) {
    if (std::string_view(error.what()).empty()) std::abort();
  }
  ::close(file);
  return 0;
}
