// What a saved model gives for the samples of a split, in each of its arithmetics.
#pragma once

#include <filesystem>
#include <string>

#include "tempera/apps/experiment/saved_model.hpp"
#include "tempera/datasets/dataset.hpp"
#include "tempera/nn/evaluate.hpp"

namespace tempera::cli {

/// "float", "fake_quant" (exact where the model is lowered) or "integer" (its program, or dynamic products), of which the
/// model must have the one asked for. Throws Interrupted on Ctrl-C.
[[nodiscard]] nn::Outputs outputs_in(const std::string& mode, SavedModel& saved, const data::Split& split);

/// The file whose numbers those are: the program beside the model where it is run, else the model.
[[nodiscard]] std::filesystem::path evaluated_file(const SavedModel& saved, const std::string& mode);

/// The arithmetic in which the model is used: "float" without quantization, "integer" where its config lowers it or it is
/// dynamic, else "fake_quant".
[[nodiscard]] std::string shipped_mode(const SavedModel& saved);

}  // namespace tempera::cli
