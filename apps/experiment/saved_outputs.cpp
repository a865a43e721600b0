#include "tempera/apps/experiment/saved_outputs.hpp"

#include "tempera/apps/experiment/evaluation.hpp"
#include "tempera/apps/experiment/lowered_model.hpp"
#include "tempera/apps/experiment/saved_program.hpp"
#include "tempera/apps/experiment/training.hpp"

namespace tempera::cli {

nn::Outputs outputs_in(const std::string& mode, SavedModel& saved, const data::Split& split) {
  const nn::Objective objective = objective_of(saved.config);
  if (mode == "integer" && saved.config.quantization && saved.config.quantization->dynamic()) {
    return outputs_of(dynamic_forward(saved.model), split, saved.input.normalization, objective);
  }
  if (mode == "integer") {
    return outputs_of(engine_forward(shipped_program(saved)), split, saved.input.normalization, objective);
  }
  if (mode == "fake_quant" && saved.config.lower) {
    return outputs_of(exact_forward(saved.config, saved.model), split, saved.input.normalization, objective);
  }
  return outputs_of(saved.model, split, saved.input.normalization, objective, {.transform = mode == "fake_quant"});
}

std::filesystem::path evaluated_file(const SavedModel& saved, const std::string& mode) {
  const bool lowered = mode == "integer" && saved.config.quantization && !saved.config.quantization->dynamic();
  return lowered && std::filesystem::exists(shipped_file(saved)) ? shipped_file(saved) : saved.file;
}

std::string shipped_mode(const SavedModel& saved) {
  if (!saved.config.quantization) return "float";
  return runs_integers(saved.config) ? "integer" : "fake_quant";
}

}  // namespace tempera::cli
