// Program files as another writer may leave them: without a checksum, and with a structure that was changed.
#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "support/file_bytes.hpp"
#include "tempera/nn/safetensors.hpp"

namespace tempera::quant_test {

/// Copies a program file without its checksum, which would notice any change before the rest is looked at.
inline void rewrite(
    const std::filesystem::path& from, const std::filesystem::path& to,
    const std::function<void(nlohmann::json& structure)>& change = [](nlohmann::json&) {}) {
  const nn::SafetensorsReader reader(from);
  nn::SafetensorsWriter writer;
  for (const nn::StoredTensor& tensor : reader.tensors()) {
    writer.add(tensor.name, tensor.dtype, tensor.shape, reader.bytes(tensor));
  }
  for (const auto& [key, value] : reader.metadata()) {
    if (key != "tempera.instructions") {
      writer.metadata(key, value);
      continue;
    }
    nlohmann::json structure = nlohmann::json::parse(value);
    change(structure);
    writer.metadata(key, structure.dump());
  }
  writer.write(to);
  std::string bytes = bytes_of(to);
  bytes.replace(bytes.find("tempera.crc32"), 13, "another.crc32");  // a key that says nothing to the reader
  std::ofstream(to, std::ios::binary) << bytes;
}

}  // namespace tempera::quant_test
