// Training that starts from weights of an earlier run: "train": {"initial": MODEL}.
#pragma once

#include <string>

#include "tempera/nn/model.hpp"

namespace tempera::cli {

/// SHA-256 of the model file that `path` (a run folder, a model file or a checkpoint) stands for: part of what a run is.
/// Throws FileError.
[[nodiscard]] std::string initial_sha256(const std::string& path);

/// Puts its weights and buffers into the layers of `model`, by name. What quantizers keep is taken where the file has it.
/// Throws FileError, CheckpointError naming the first tensor that does not fit, NumericError naming a
/// parameter that has a value which is not finite.
void take_initial(const std::string& path, nn::Model& model);

}  // namespace tempera::cli
