// A program as a file that needs nothing beside it: its integers, how raw pixels become its input, the names of its classes
// and the set it was made for. program.safetensors of a run folder is such a file.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "tempera/apps/experiment/experiment_config.hpp"
#include "tempera/apps/experiment/saved_model.hpp"
#include "tempera/quant/program.hpp"

namespace tempera::cli {

struct SavedProgram {
  quant::Program program;
  InputPipeline input;
  data::DataConfig data;  ///< the set it was made for; where a file does not say, that which `input` names
  std::filesystem::path file;
};

/// Of a model's metadata and config what a program needs: input, classes, data. How it was trained stays with the model.
[[nodiscard]] std::map<std::string, std::string> program_metadata(const ExperimentConfig& config,
                                                                  const std::map<std::string, std::string>& model);

/// The program file that `path` names: the file itself, or that of a folder with nothing else to run. Nothing where `path`
/// stands for a model. Throws CheckpointError for a file that is no safetensors file.
[[nodiscard]] std::optional<std::filesystem::path> program_file(const std::filesystem::path& path);

/// What is shipped of a lowered model: the program in `file`; where that is not there, what the model gives now, which is
/// said. Throws as load_saved_program, Error where the two are fed with other numbers, UnsupportedError as quant::lower.
[[nodiscard]] quant::Program shipped_program(const SavedModel& saved, const std::filesystem::path& file);
/// Of the file beside the model's.
[[nodiscard]] std::filesystem::path shipped_file(const SavedModel& saved);
/// Where a run leaves packed weights, beside its model.
[[nodiscard]] std::filesystem::path packed_file(const SavedModel& saved);
[[nodiscard]] quant::Program shipped_program(const SavedModel& saved);

/// Throws FileError, CheckpointError for a file that is damaged, of another version, or does not say how it is fed.
[[nodiscard]] SavedProgram load_saved_program(const std::filesystem::path& file);

}  // namespace tempera::cli
