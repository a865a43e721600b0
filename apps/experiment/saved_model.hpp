// A trained model as a file that needs nothing beside it: weights, the config that built it, and how raw pixels become
// its input. model.safetensors of a run folder is such a file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tempera/apps/experiment/experiment_config.hpp"
#include "tempera/datasets/load.hpp"
#include "tempera/nn/model.hpp"

namespace tempera::cli {

/// Key under which a file's metadata holds its InputPipeline.
inline constexpr const char* kInputMetadata = "tempera.input";

/// Reads the JSON that stands under `key` of the metadata of a model or a program. What is wrong there is damage, no mistake of a
/// config's author: throws CheckpointError.
void read_embedded(const std::string& json, const std::filesystem::path& file, const char* key,
                   const core::FieldsFn& fields);

/// What the model needs to be told of its data.
struct InputPipeline {
  core::Shape sample;  ///< [channels, height, width]
  data::Normalization normalization;
  std::vector<std::string> classes;
  std::string data_name;  ///< the set it was trained on
  std::string data_sha256;

  void fields(core::FieldVisitor& v);
};

[[nodiscard]] InputPipeline pipeline_of(const data::LoadedData& data);

/// Throws ShapeError or DataError unless a network with that input can be tested on these data: samples of its shape, and as
/// many classes.
void check_fits(const InputPipeline& input, const data::LoadedData& data);

/// A model that was read back.
struct SavedModel {
  ExperimentConfig config;  ///< resolved
  InputPipeline input;
  nn::Model model;
  std::filesystem::path file;
  bool packed = false;  ///< its weights are integers alone, what is left of floats that the file has not
};

/// Throws NumericError naming the first parameter with a value that is not finite, and the file it came from.
void require_finite(const nn::Model& model, const std::string& file);

/// The model file that a run folder, a model file or a checkpoint stands for. Throws FileError for a run without one.
[[nodiscard]] std::filesystem::path model_file(const std::filesystem::path& path);

/// What makes a file of weights a model: its format, the config it was built from (`resolved`, JSON) and its input.
[[nodiscard]] std::map<std::string, std::string> model_metadata(const std::string& resolved, InputPipeline input);

/// Writes atomically, with the metadata of model_metadata. Throws FileError.
void save_model(const std::filesystem::path& file, const nn::Model& model,
                const std::map<std::string, std::string>& metadata);

/// `path` is a run folder, a model file or a checkpoint of a run. Throws FileError, CheckpointError (damaged, not a
/// tempera model, weights that do not fit the config in it), ConfigError.
[[nodiscard]] SavedModel load_model(const std::filesystem::path& path, const Registry& registry);

}  // namespace tempera::cli
