// The files of configs/: together they use every type there is, and each of them trains.
#include <doctest/doctest.h>

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tempera/apps/experiment/experiment_config.hpp"
#include "tempera/apps/experiment/load_config.hpp"
#include "tempera/apps/experiment/runner.hpp"
#include "tempera/core/config/describe.hpp"
#include "tempera/core/config/writer.hpp"
#include "tempera/quant/config.hpp"
#include "tempera/quant/quantizer.hpp"

namespace {

namespace fs = std::filesystem;
using namespace tempera::cli;
using tempera::core::ConfigValue;
using tempera::core::FieldInfo;

using Types = std::set<std::pair<std::string, std::string>>;  // kind ("layer") and type ("conv2d")

const Registry& registry() {
  static const Registry all;
  return all;
}

std::vector<fs::path> configs() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(TEMPERA_SOURCE_DIR) / "configs")) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

LoadedFile<ExperimentConfig> loaded(const fs::path& file, const std::vector<std::string>& sets = {}) {
  return load_config(file, sets, ExperimentConfig(registry()));
}

void collect(const std::vector<FieldInfo>& fields, const ConfigValue& object, Types& used);

void collect_typed(const FieldInfo& field, const ConfigValue& value, Types& used) {
  const ConfigValue* type = value.find("type");
  if (type == nullptr) return;
  used.emplace(field.catalog->kind(), type->text);
  collect(describe_type(*field.catalog, type->text), value, used);
}

void collect(const std::vector<FieldInfo>& fields, const ConfigValue& object, Types& used) {
  for (const FieldInfo& field : fields) {
    const ConfigValue* value = object.find(field.name);
    if (value == nullptr) continue;
    if (field.kind == FieldInfo::Kind::kObject && !field.many) collect(field.fields, *value, used);
    if (field.kind == FieldInfo::Kind::kObject && field.many) {
      for (const ConfigValue& item : value->items) collect(field.fields, item, used);
    }
    if (field.kind != FieldInfo::Kind::kTyped) continue;
    if (!field.many) collect_typed(field, *value, used);
    for (const ConfigValue& item : value->items) collect_typed(field, item, used);
  }
}

TEST_CASE(
    "every type of layer, loss, optimizer, schedule, transform, initializer, quantizer and observer is used by a "
    "config "
    "that comes with tempera") {
  ExperimentConfig top(registry());
  const std::vector<FieldInfo> fields = tempera::core::describe_fields([&top](auto& v) { top.fields(v); });
  Types used;
  for (const fs::path& file : configs()) collect(fields, loaded(file).whole.resolved, used);
  std::set<std::string> kinds;
  for (const tempera::core::TypeCatalog* catalog : tempera::core::catalogs_of(fields)) {
    kinds.emplace(catalog->kind());
    for (const std::string& type : catalog->names()) {
      CHECK_MESSAGE(used.contains({std::string(catalog->kind()), type}), "no config uses the ", catalog->kind(), " ",
                    type);
    }
  }
  CHECK(kinds == std::set<std::string>{"initializer", "layer", "loss", "observer", "optimizer", "quantizer", "schedule",
                                       "transform"});
}

using Values = std::map<std::string, std::set<std::string>>;  // "uniform.rounding" and what stands there, as JSON

void note(const std::string& owner, const ConfigValue& object, Values& met) {
  for (const tempera::core::ConfigMember& member : object.members) {
    met[owner + "." + member.name].insert(tempera::core::canonical_json(member.value));
  }
}

void note_typed(const ConfigValue* thing, Values& met) {
  if (thing == nullptr) return;
  if (const ConfigValue* type = thing->find("type")) note(type->text, *thing, met);
}

// One level of each section that says how a network is quantized, and of the things named in it.
void note_all(const ConfigValue& resolved, Values& met) {
  if (const ConfigValue* section = resolved.find("quantization"); section != nullptr) {
    note("quantization", *section, met);
    if (const ConfigValue* calibration = section->find("calibration")) note("calibration", *calibration, met);
    if (const ConfigValue* rules = section->find("rules")) {
      for (const ConfigValue& rule : rules->items) note_typed(rule.find("quantizer"), met);
    }
  }
  if (const ConfigValue* lower = resolved.find("lower")) note("lower", *lower, met);
  for (const ConfigValue& layer : resolved.find("model")->find("layers")->items) note_typed(&layer, met);
}

void check_met(const std::string& owner, const std::vector<FieldInfo>& fields, const Values& met) {
  for (const FieldInfo& field : fields) {
    const std::string name = owner + "." + field.name;
    const auto found = met.find(name);
    REQUIRE_MESSAGE(found != met.end(), name);
    if (field.name == "sites" || name == "quantization.calibration") continue;  // written, not read; looked into
    CHECK_MESSAGE(found->second.size() > 1, "every config has the same ", name);
    for (const std::string& word : field.words) {
      CHECK_MESSAGE(found->second.contains('"' + word + '"'), "no config has ", name, " ", word);
    }
  }
}

TEST_CASE("every option of uniform and learned quantizers, of calibration and of lowering is used by a config") {
  Values met;
  for (const fs::path& file : configs()) {
    for (const auto& run : loaded(file).runs) note_all(run.resolved, met);
  }
  tempera::quant::QuantizationConfig quantization;
  tempera::quant::LowerConfig lower;
  tempera::quant::CalibrationConfig calibration;
  check_met("quantization", tempera::core::describe_fields([&](auto& v) { quantization.fields(v); }), met);
  check_met("calibration", tempera::core::describe_fields([&](auto& v) { calibration.fields(v); }), met);
  check_met("lower", tempera::core::describe_fields([&](auto& v) { lower.fields(v); }), met);
  for (const char* type : {"uniform", "lsq", "quantized_relu", "smoothed_sigmoid"}) {
    check_met(type, describe_type(tempera::quant::QuantizerRegistry::builtin(), type), met);
  }
  CHECK_MESSAGE(met["uniform.bits"].contains("16"), "no config has integers of more than 8 bits");
  for (const char* algorithm : {"auto", "direct", "winograd_2x2", "winograd_4x4"}) {
    CHECK_MESSAGE(met["conv2d.algorithm"].contains('"' + std::string(algorithm) + '"'), algorithm);
  }
}

TEST_CASE("every config that comes with tempera trains two batches to a finite loss on images of its shape") {
  const fs::path folder = fs::temp_directory_path() / ("tempera-shipped-" + std::to_string(::getpid()));
  for (const fs::path& file : configs()) {
    const std::string name = file.stem().string();
    CAPTURE(name);
    const ExperimentConfig whole = loaded(file).runs.front().config;
    std::vector<std::string> sets{"data.name=synthetic_digits",
                                  "data.synthetic.train=" + std::to_string(2 * whole.train.batch + 20),
                                  "data.synthetic.test=20",
                                  "data.validation=20",
                                  "train.epochs=1",
                                  "temperature.index=0"};
    if (whole.quantization) sets.emplace_back("quantization.start_epoch=0");  // of one epoch, none in floats first
    const auto few = loaded(file, sets);
    const RunResult result = run_experiment(few.runs.front(), few.text, {.out = folder / name});
    CHECK(result.summary.status == "completed");
    CHECK(result.summary.training.steps == 2);
    CHECK(std::isfinite(result.summary.results.at("float").at("test").loss));
  }
  fs::remove_all(folder);
}

}  // namespace
