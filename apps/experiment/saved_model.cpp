#include "tempera/apps/experiment/saved_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "tempera/apps/experiment/quantized_model.hpp"
#include "tempera/apps/experiment/run_folder.hpp"
#include "tempera/apps/version.hpp"
#include "tempera/core/config/reader.hpp"
#include "tempera/core/config/writer.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/nn/checkpoint.hpp"
#include "tempera/nn/safetensors.hpp"
#include "tempera/nn/trainer.hpp"
#include "tempera/quant/packed_model.hpp"
#include "tempera/quant/program_file.hpp"

namespace tempera::cli {
namespace fs = std::filesystem;
namespace {

constexpr const char* kFormat = "tempera.model";  // metadata keys
constexpr const char* kConfig = "tempera.config";

const std::string& required(const nn::SafetensorsReader& reader, const char* key) {
  const auto found = reader.metadata().find(key);
  if (found == reader.metadata().end()) {
    if (quant::is_program(reader)) {
      throw core::CheckpointError(
          reader.file(),
          "is a program of integers, not a model (`tempera eval`, `tempera verify` and `tempera describe` take it)");
    }
    throw core::CheckpointError(reader.file(), fmt::format("is no tempera model: its metadata has no \"{}\"", key));
  }
  return found->second;
}

void check_format(const nn::SafetensorsReader& reader) {
  const std::string& format = required(reader, kFormat);
  if (format == std::to_string(kFormatVersion)) return;
  throw core::CheckpointError(reader.file(),
                              fmt::format("has model format {}, this program reads {}", format, kFormatVersion));
}

core::CheckpointError damaged(const fs::path& file, const core::ConfigError& error) {
  return {file.string(), fmt::format("is damaged, or of another version: {}", error.issues().front().text())};
}

// A config may be read and yet make no network.
nn::Model embedded_model(const ExperimentConfig& config, const InputPipeline& input, const fs::path& file) {
  try {
    return model_of(config, input.sample);
  } catch (const core::ConfigError& error) {
    throw damaged(file, error);
  }
}

}  // namespace

void read_embedded(const std::string& json, const fs::path& file, const char* key, const core::FieldsFn& fields) {
  try {
    core::read_json(json, key, fields);
  } catch (const core::ConfigError& error) {
    throw damaged(file, error);
  }
}

fs::path model_file(const fs::path& path) {
  if (!fs::is_directory(path)) return path;
  if (fs::exists(path / "study.json")) {
    throw core::ConfigError(fmt::format(
        "{0}: is the folder of a study, which has a model for each run: name one of the run folders in it, or "
        "see all of them with `tempera compare {0}` and `tempera report {0}`",
        path.string()));
  }
  fs::path model = path / kModelFile;
  const fs::path checkpoint = path / "checkpoints" / nn::kLastCheckpoint;
  if (fs::exists(model)) return model;
  const bool kept = fs::exists(checkpoint);
  if (is_completed(path / "summary.json")) {
    throw core::FileError(model.string(),
                          fmt::format("is missing, though this run finished{}",
                                      kept ? fmt::format("; {} is its last checkpoint", checkpoint.string()) : ""));
  }
  if (kept) {
    throw core::FileError(
        path.string(),
        fmt::format("this run did not finish, so it has no model; {} is its last checkpoint", checkpoint.string()));
  }
  return model;
}

void InputPipeline::fields(core::FieldVisitor& v) {
  std::vector<std::int64_t> extents(sample.extents().begin(), sample.extents().end());
  v.field("sample", extents,
          {.help = "shape of a sample: channels, height, width",
           .min = 1,
           .required = true,
           .min_items = 1,
           .max_items = 4});
  sample = core::Shape(extents);
  v.object("normalization", normalization, {.help = "from stored pixels to the network's input"});
  v.field("classes", classes, {.help = "names of the classes"});
  v.field("data", data_name, {.help = "set it was trained on"});
  v.field("sha256", data_sha256, {.help = "content of that set"});
}

InputPipeline pipeline_of(const data::LoadedData& data) {
  return {.sample = data.set.sample(),
          .normalization = data.normalization,
          .classes = data.set.classes,
          .data_name = data.used,
          .data_sha256 = data.set.sha256};
}

void check_fits(const InputPipeline& input, const data::LoadedData& data) {
  if (data.set.sample() != input.sample) {
    throw core::ShapeError(
        fmt::format("{} has samples {}, the model takes {}", data.used, data.set.sample().text(), input.sample.text()));
  }
  if (data.set.classes.size() != input.classes.size()) {
    throw core::DataError(data.used, fmt::format("has {} classes, the model tells {} apart", data.set.classes.size(),
                                                 input.classes.size()));
  }
}

std::map<std::string, std::string> model_metadata(const std::string& resolved, InputPipeline input) {
  return {{kFormat, std::to_string(kFormatVersion)},
          {kConfig, resolved},
          {kInputMetadata, core::write_json([&input](core::FieldVisitor& v) { input.fields(v); })}};
}

void save_model(const fs::path& file, const nn::Model& model, const std::map<std::string, std::string>& metadata) {
  nn::SafetensorsWriter writer;
  nn::add_model(writer, model);
  for (const auto& [key, value] : metadata) writer.metadata(key, value);
  writer.write(file);
}

void require_finite(const nn::Model& model, const std::string& file) {
  for (const nn::Parameter& parameter : model.parameters()) {
    const std::span<const Scalar> values = parameter.variable.value().values();
    const auto bad = std::ranges::find_if_not(values, [](Scalar x) { return std::isfinite(x); });
    if (bad == values.end()) continue;
    throw core::NumericError(parameter.name, -1,
                             fmt::format("value {} of it in {} is not finite: {}", bad - values.begin(), file, *bad));
  }
}

SavedModel load_model(const fs::path& path, const Registry& registry) {
  const fs::path file = model_file(path);
  const nn::SafetensorsReader reader(file);
  check_format(reader);
  ExperimentConfig config(registry);
  read_embedded(required(reader, kConfig), file, kConfig, [&config](core::FieldVisitor& v) { config.fields(v); });
  InputPipeline input;
  read_embedded(required(reader, kInputMetadata), file, kInputMetadata,
                [&input](core::FieldVisitor& v) { input.fields(v); });
  nn::Model model = embedded_model(config, input, file);
  const bool packed = quant::is_packed(reader);
  if (packed) {
    quant::load_packed(reader, model);
  } else {
    nn::load_model(reader, model);
  }
  require_finite(model, file.string());
  return {std::move(config), std::move(input), std::move(model), file, packed};
}

}  // namespace tempera::cli
