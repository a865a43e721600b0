// program.safetensors: a program in a file, with truly packed weights. docs/guide/program-files.md describes the format.
#pragma once

#include <filesystem>

#include "tempera/nn/safetensors.hpp"
#include "tempera/quant/program.hpp"

namespace tempera::quant {

/// Whether the file says that it is a program (of any version). Throws FileError, CheckpointError if it is no safetensors file.
[[nodiscard]] bool is_program(const std::filesystem::path& file);
[[nodiscard]] bool is_program(const nn::SafetensorsReader& file);

/// Atomically. Throws FileError.
void save_program(const std::filesystem::path& file, const Program& program);
/// Throws FileError, CheckpointError for a file that is damaged (its checksum, where it has one, is compared), of another version, or holds a program that check() refuses.
[[nodiscard]] Program load_program(const std::filesystem::path& file);

}  // namespace tempera::quant
