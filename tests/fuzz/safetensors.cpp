// Feeds arbitrary bytes to the safetensors reader: whatever they are, the answer is a valid header or a CheckpointError,
// and the tensors of a valid header lie inside of the file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "tempera/core/errors.hpp"
#include "tempera/nn/safetensors.hpp"

namespace {

void read(std::span<const std::byte> file) {
  using namespace tempera::nn;
  const std::uint64_t length = safetensors_header_length(file, file.size(), "fuzz");
  const auto text = file.subspan(8, length);
  const std::uint64_t data = file.size() - 8 - length;
  const SafetensorsHeader header =
      parse_safetensors_header({reinterpret_cast<const char*>(text.data()), text.size()}, data, "fuzz");
  std::uint64_t owned = 0;
  for (const StoredTensor& stored : header.tensors) {
    if (stored.end > data || stored.begin > stored.end) std::abort();
    owned += stored.end - stored.begin;
  }
  if (owned != data) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    read(std::as_bytes(std::span(data, size)));
  } catch (const tempera::core::CheckpointError& error) {
    if (std::string_view(error.what()).empty()) std::abort();
  }
  return 0;
}
