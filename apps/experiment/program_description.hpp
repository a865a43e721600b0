// What a program of integers consists of, for someone who has nothing but its file.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "tempera/apps/experiment/saved_program.hpp"

namespace tempera::cli {

/// One object for each instruction: what it does, for which layer, the buffers it reads, and shape, bits, range, zero point
/// and scales of what it writes; bits and bytes of its weights; how it requantizes. "bytes" are those of weights and biases
/// alone, as describe counts them of a model; "file_bytes" are those of the file.
[[nodiscard]] nlohmann::ordered_json program_description(const SavedProgram& saved);
/// The same as a table.
[[nodiscard]] std::string program_description_text(const nlohmann::ordered_json& description);

}  // namespace tempera::cli
