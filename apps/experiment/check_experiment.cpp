#include "tempera/apps/experiment/check_experiment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tempera/apps/experiment/check_schedules.hpp"
#include "tempera/apps/experiment/data_source.hpp"
#include "tempera/apps/experiment/quantized_model.hpp"
#include "tempera/apps/experiment/saved_model.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/nn/graph.hpp"
#include "tempera/nn/layer_registry.hpp"
#include "tempera/nn/safetensors.hpp"
#include "tempera/quant/attach.hpp"

namespace tempera::cli {
namespace {

using Issues = std::vector<core::ConfigIssue>;
constexpr const char* kLayers = "/model/layers";
constexpr const char* kValidation = "/data/validation";

void add_all(Issues& issues, const core::ConfigError& error) {
  issues.insert(issues.end(), error.issues().begin(), error.issues().end());
}

void check_output(const nn::Model& plan, const data::LoadedData& data, Issues& issues) {
  const auto classes = static_cast<std::int64_t>(data.set.classes.size());
  if (plan.output() == core::Shape{classes}) return;
  issues.push_back(
      {.pointer = "/model/layers",
       .message = fmt::format("the model's output has shape {} a sample, {} needs [{}], one for each class",
                              plan.output().text(), data.used, classes)});
}

void check_quantization(const quant::QuantizationConfig& section, nn::Model& plan, Issues& issues) {
  try {
    static_cast<void>(quant::attach(plan, section));  // schedules may aim at numbers of its sites
  } catch (const core::ConfigError& error) {
    for (core::ConfigIssue issue : error.issues()) {
      issue.pointer = "/quantization" + issue.pointer;
      issues.push_back(std::move(issue));
    }
  }
}

// What repairs weights after training finds them in the network's graph.
void check_repairs(const quant::QuantizationConfig& section, const nn::Model& plan, Issues& issues) {
  const quant::CalibrationConfig& repairs = section.calibration;
  if (section.when != quant::When::kAfter || !(repairs.equalize || repairs.adaround || repairs.bias_correction)) return;
  try {
    static_cast<void>(nn::lower(plan));
  } catch (const core::UnsupportedError& error) {
    issues.push_back(
        {.pointer = "/quantization/calibration",
         .message = fmt::format("equalize, adaround and bias_correction follow the graph of a network, in which one "
                                "layer has no place: {}",
                                error.what())});
  }
}

// Training that ends before its quantizers begin to act has trained for nothing that is shipped.
void check_start(const ExperimentConfig& config, Issues& issues) {
  if (!config.quantization || config.quantization->when != quant::When::kAware) return;
  const std::int64_t start = config.quantization->start_epoch, epochs = config.train.epochs;
  if (start < epochs) return;
  issues.push_back({.pointer = "/quantization/start_epoch",
                    .message = fmt::format("must be less than train.epochs, or nothing is ever trained quantized: got "
                                           "{} of {} epochs (to quantize what was trained in floats, set "
                                           "quantization.when to \"after\")",
                                           start, epochs)});
}

// A batch norm that would have one value a channel in a batch of one sample; empty if there is none.
std::string single_norm(const nn::Model& plan) {
  for (const nn::LayerInfo* layer : plan.infos()) {
    if (layer->type == "batch_norm" && layer->output.numel() == layer->output[0]) return layer->path;
  }
  return {};
}

// Statistics of a single value do not exist; better now than at the end of the first epoch.
void check_last_batch(const ExperimentConfig& config, const data::LoadedData& data, const nn::Model& plan,
                      Issues& issues) {
  const std::string norm = single_norm(plan);
  const bool aware = config.quantization && config.quantization->when == quant::When::kAware;
  const bool frozen = aware && config.quantization->freeze_batch_norm == 0;  // from the beginning
  if (norm.empty() || frozen || config.train.epochs == 0) return;
  if (config.train.batch == 1) {
    issues.push_back(
        {.pointer = "/train/batch",
         .message = fmt::format("must be 2 or more: in a batch of one sample batch_norm \"{}\" has one value "
                                "a channel, which it cannot normalise",
                                norm)});
    return;
  }
  if (config.train.drop_last || data.set.train.size() % config.train.batch != 1) return;
  issues.push_back(
      {.pointer = "/train/batch",
       .message = fmt::format("leaves a last batch of one sample out of {}, which batch_norm \"{}\" cannot "
                              "normalise; choose another size, or set train.drop_last",
                              data.set.train.size(), norm)});
}

// The layer of the config that the first name of `path` is, by its own name or by its type and number.
std::string layer_pointer(const nn::ModelConfig& model, const std::string& path) {
  const std::string first = path.substr(0, path.find('/'));
  std::map<std::string, int, std::less<>> types;
  const auto& layers = model.layers.items();
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::string type(layers[i]->type());
    const int position = ++types[type];
    const std::string& own = model.layer_types().common(*layers[i]).name;
    if ((own.empty() ? fmt::format("{}{}", type, position) : own) == first) return core::child_pointer(kLayers, i);
  }
  return kLayers;
}

// What `make` (Model::affordable or ::planned) makes of the section. Its issues point into the section; here they are made
// to point into the config.
template <class Make>
nn::Model model_by(Make make, const nn::ModelConfig& model, const core::Shape& sample) {
  try {
    return make(model, sample);
  } catch (const core::ConfigError& error) {
    Issues issues = error.issues();
    for (core::ConfigIssue& issue : issues) issue.pointer = "/model" + issue.pointer;
    throw core::ConfigError(std::move(issues));
  }
}

void check_model(const ExperimentConfig& config, const data::LoadedData& data, Issues& issues) {
  const auto misfit = [&issues](const core::Error& error) {
    issues.push_back({.pointer = "/model/layers", .message = error.what()});
  };
  try {
    nn::Model plan = model_by(nn::Model::affordable, config.model, data.set.sample());
    check_output(plan, data, issues);
    if (config.quantization) {
      check_quantization(*config.quantization, plan, issues);
      check_repairs(*config.quantization, plan, issues);
    }
    if (!config.train.initial) require_ranges(config, plan);
    // How many remain to train on is not known where the validation part does not fit.
    if (std::ranges::find(issues, kValidation, &core::ConfigIssue::pointer) == issues.end()) {
      check_last_batch(config, data, plan, issues);
    }
    check_schedules(config, plan, issues);
  } catch (const nn::LayerShapeError& error) {
    issues.push_back({.pointer = layer_pointer(config.model, error.path()), .message = error.what()});
  } catch (const core::ShapeError& error) {
    misfit(error);
  } catch (const core::UnsupportedError& error) {
    misfit(error);
  } catch (const core::ConfigError& error) {
    add_all(issues, error);
  }
}

// A model to start from that is not there. What is in it is looked at when it is read.
void check_initial(const ExperimentConfig& config, Issues& issues) {
  if (!config.train.initial) return;
  try {
    static_cast<void>(nn::SafetensorsReader(model_file(*config.train.initial)));
  } catch (const core::FileError& error) {
    issues.push_back(
        {.pointer = "/train/initial",
         .message = fmt::format("{} (a path counts from the folder that tempera is run in)", error.what())});
  } catch (const core::ConfigError& error) {
    issues.push_back({.pointer = "/train/initial", .message = error.issues()[0].message});
  } catch (const core::CheckpointError&) {
    return;  // told when it is read, with what is wrong in it
  }
}

// What in the config asks for integers: the section "lower", or the first dynamic rule.
std::string arithmetic_pointer(const ExperimentConfig& config) {
  if (config.lower) return "/lower";
  const auto rule = std::ranges::find(config.quantization->rules, quant::How::kDynamic, &quant::Rule::how);
  return fmt::format("/quantization/rules/{}/sites", rule - config.quantization->rules.begin());
}

// A layer without an integer form, a value between layers that no rule takes, dynamic rules that no product reads: better now
// than after the training.
std::optional<Arithmetic> check_arithmetic(const ExperimentConfig& config, const data::LoadedData& data,
                                           Issues& issues) {
  try {
    return planned_arithmetic(config, data.set.sample());
  } catch (const core::UnsupportedError& error) {
    issues.push_back({.pointer = arithmetic_pointer(config), .message = error.what()});
    return std::nullopt;
  }
}

// The value that a pointer names, or the nearest one above it.
const core::ConfigValue& value_at(const core::ConfigValue& document, std::string_view pointer) {
  const core::ConfigValue* at = &document;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const std::string_view token = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(token.size());
    const core::ConfigValue* next = core::child_at(*at, token);
    if (next == nullptr) break;
    at = next;
  }
  return *at;
}

// A value that a study sets may break what it does not name, a layer behind the one it changes: then the run is known by its values
// alone.
void name_run(const LoadedConfig<ExperimentConfig>& run, Issues& issues) {
  if (run.overrides.empty()) return;
  std::string values;
  for (const auto& [path, value] : run.overrides) values += fmt::format(" {}={}", path, value);
  for (core::ConfigIssue& issue : issues) {
    if (!issue.pointer.starts_with("/study/vary/")) issue.message += fmt::format(" (in the run with{})", values);
  }
}

}  // namespace

void locate_issues(const core::ConfigValue& document, std::vector<core::ConfigIssue>& issues) {
  for (core::ConfigIssue& issue : issues) {
    if (!issue.file.empty()) continue;
    const core::Place& place = value_at(document, issue.pointer).place;
    issue.file = place.file;
    issue.line = place.line;
  }
}

data::LoadedData load_located(const LoadedConfig<ExperimentConfig>& loaded, std::vector<core::ConfigIssue>& misfits) {
  try {
    return load_data(loaded.config.data, misfits);
  } catch (const core::ConfigError& error) {
    Issues issues = error.issues();
    locate_issues(loaded.source, issues);
    point_to_origins(loaded.origins, issues);
    throw core::ConfigError(std::move(issues));
  }
}

void check_layers(const LoadedConfig<ExperimentConfig>& loaded, const core::Shape& sample) {
  try {
    static_cast<void>(model_by(nn::Model::planned, loaded.config.model, sample));
  } catch (const core::ConfigError& error) {
    Issues issues = error.issues();
    locate_issues(loaded.source, issues);
    throw core::ConfigError(std::move(issues));
  }
}

std::optional<Arithmetic> check_experiment(const LoadedConfig<ExperimentConfig>& loaded, const data::LoadedData& data,
                                           std::vector<core::ConfigIssue> issues) {
  const ExperimentConfig& config = loaded.config;
  check_model(config, data, issues);
  check_start(config, issues);
  check_initial(config, issues);
  if (config.train.drop_last && config.train.batch > data.set.train.size()) {
    issues.push_back({.pointer = "/train/drop_last",
                      .message = fmt::format("leaves no batch of {} out of {} training samples", config.train.batch,
                                             data.set.train.size())});
  }
  if (config.wants(Analysis::kTemperature)) {
    try {
      check_temperature(config.temperature, data.set.test);
    } catch (const core::ConfigError& error) {
      add_all(issues, error);
    }
  }
  std::optional<Arithmetic> arithmetic;
  if (issues.empty()) arithmetic = check_arithmetic(config, data, issues);
  locate_issues(loaded.source, issues);
  point_to_origins(loaded.origins, issues);
  name_run(loaded, issues);
  if (!issues.empty()) throw core::ConfigError(std::move(issues));
  return arithmetic;
}

core::Shape check_all(const LoadedFile<ExperimentConfig>& file) {
  std::optional<data::LoadedData> data;
  Issues misfits;      // of `data` with the section
  std::string loaded;  // the section that `data` came from: most studies vary other things
  core::Shape sample;
  for (const LoadedConfig<ExperimentConfig>& run : file.runs) {
    const core::ConfigValue* section = run.resolved.find("data");
    std::string wanted = section == nullptr ? std::string() : core::canonical_json(*section);
    if (!data || wanted != loaded) {
      misfits.clear();
      data = load_located(run, misfits);
    }
    loaded = std::move(wanted);
    static_cast<void>(check_experiment(run, *data, misfits));
    if (&run == &file.runs.front()) sample = data->set.sample();
  }
  return sample;
}

}  // namespace tempera::cli
