#include "tempera/apps/experiment/saved_program.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "tempera/apps/experiment/lowered_model.hpp"
#include "tempera/apps/experiment/run_folder.hpp"
#include "tempera/apps/terminal.hpp"
#include "tempera/core/config/reader.hpp"
#include "tempera/core/config/writer.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/nn/trainer.hpp"
#include "tempera/quant/program_file.hpp"

namespace tempera::cli {
namespace fs = std::filesystem;
namespace {

constexpr const char* kDataMetadata = "tempera.data";

core::ConfigValue fields_of(data::DataConfig config) {
  return core::write_fields([&config](core::FieldVisitor& v) { config.fields(v); });
}

// What differs from the defaults, and not what only training asks for: the file is to stay small.
std::string data_facts(const data::DataConfig& config) {
  const core::ConfigValue all = fields_of(config), defaults = fields_of({});
  core::ConfigValue kept = core::ConfigValue::object();
  for (const core::ConfigMember& member : all.members) {
    if (member.name == "augment" || member.name == "normalize") continue;
    const core::ConfigValue* usual = defaults.find(member.name);
    const bool same = usual != nullptr && core::canonical_json(*usual) == core::canonical_json(member.value);
    if (!same || member.name == "name") kept.set(member.name, member.value);
  }
  return core::canonical_json(kept);
}

const std::string& required(const quant::Program& program, const fs::path& file, const char* key) {
  const auto found = program.metadata.find(key);
  if (found != program.metadata.end()) return found->second;
  throw core::CheckpointError(file.string(),
                              fmt::format("does not say how it is fed with pixels: its metadata has no \"{}\"", key));
}

data::DataConfig data_of(const quant::Program& program, const InputPipeline& input, const fs::path& file) {
  data::DataConfig config;
  if (const auto found = program.metadata.find(kDataMetadata); found != program.metadata.end()) {
    read_embedded(found->second, file, kDataMetadata, [&config](core::FieldVisitor& v) { config.fields(v); });
  } else {
    const auto set = std::ranges::find(data::kSets, input.data_name, &data::SetInfo::name);
    if (set != data::kSets.end()) config.name = static_cast<data::SetName>(set - data::kSets.begin());
  }
  // A folder of the machine it was made on; sets of known content are looked for where this one has them.
  const bool known = config.name == data::SetName::kMnist || config.name == data::SetName::kFashionMnist;
  if (known && config.dir && !fs::is_directory(*config.dir)) config.dir.reset();
  return config;
}

// Integers are the same only if they are made of the same pixels.
void check_same_input(const SavedProgram& program, const SavedModel& model) {
  const data::Normalization &a = program.input.normalization, &b = model.input.normalization;
  if (program.input.sample == model.input.sample && a.scale == b.scale && a.shift == b.shift) return;
  throw core::Error(fmt::format("{} is fed otherwise than {}: {} and {}, pixel · {} + {} and pixel · {} + {}",
                                program.file.string(), model.file.string(), program.input.sample.text(),
                                model.input.sample.text(), fmt::join(a.scale, ", "), fmt::join(a.shift, ", "),
                                fmt::join(b.scale, ", "), fmt::join(b.shift, ", ")));
}

}  // namespace

std::map<std::string, std::string> program_metadata(const ExperimentConfig& config,
                                                    const std::map<std::string, std::string>& model) {
  std::map<std::string, std::string> kept{{kDataMetadata, data_facts(config.data)}};
  if (const auto input = model.find(kInputMetadata); input != model.end()) kept.insert(*input);
  return kept;
}

std::optional<fs::path> program_file(const fs::path& path) {
  if (fs::is_regular_file(path)) return quant::is_program(path) ? std::optional(path) : std::nullopt;
  const fs::path inside = path / kProgramFile;
  const bool alone = fs::exists(inside) && !fs::exists(path / kModelFile) && !fs::exists(path / "checkpoints");
  return alone ? std::optional(inside) : std::nullopt;
}

quant::Program shipped_program(const SavedModel& saved, const fs::path& file) {
  if (fs::exists(file)) {
    SavedProgram program = load_saved_program(file);
    check_same_input(program, saved);
    return std::move(program.program);
  }
  if (saved.config.lower) {
    say(fmt::format("{} is not there: the model is lowered now", file.string()));
    return program_of(saved.config, saved.model, {});
  }
  try {
    quant::Program program = program_of(saved.config, saved.model, {});
    say(fmt::format("{}: its config has no section \"lower\": it is lowered now", saved.file.string()));
    return program;
  } catch (const core::UnsupportedError& error) {
    throw core::UnsupportedError(
        saved.file.string(),
        fmt::format(
            "has no program of integers, as its config has no section \"lower\", and none can be made of it: {}",
            error.what()));
  }
}

fs::path packed_file(const SavedModel& saved) { return saved.file.parent_path() / kPackedFile; }
fs::path shipped_file(const SavedModel& saved) { return saved.file.parent_path() / kProgramFile; }

quant::Program shipped_program(const SavedModel& saved) { return shipped_program(saved, shipped_file(saved)); }

SavedProgram load_saved_program(const fs::path& file) {
  quant::Program program = quant::load_program(file);
  InputPipeline input;
  read_embedded(required(program, file, kInputMetadata), file, kInputMetadata,
                [&input](core::FieldVisitor& v) { input.fields(v); });
  if (input.sample != program.input) {
    throw core::CheckpointError(file.string(), fmt::format("takes samples {}, but \"{}\" says {}", program.input.text(),
                                                           kInputMetadata, input.sample.text()));
  }
  data::DataConfig data = data_of(program, input, file);
  return {std::move(program), std::move(input), std::move(data), file};
}

}  // namespace tempera::cli
