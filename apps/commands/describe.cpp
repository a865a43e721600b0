// tempera describe: the layers and sites of a model and what training it costs, or the instructions of a program.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tempera/apps/commands/command.hpp"
#include "tempera/apps/experiment/arithmetic.hpp"
#include "tempera/apps/experiment/check_experiment.hpp"
#include "tempera/apps/experiment/cost.hpp"
#include "tempera/apps/experiment/data_source.hpp"
#include "tempera/apps/experiment/load_config.hpp"
#include "tempera/apps/experiment/program_description.hpp"
#include "tempera/apps/experiment/saved_model.hpp"
#include "tempera/apps/experiment/saved_program.hpp"
#include "tempera/apps/experiment/sizes.hpp"
#include "tempera/apps/terminal.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/quant/attach.hpp"

namespace tempera::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

struct Subject {
  ExperimentConfig config;
  core::Shape sample;
  std::optional<std::int64_t> samples;  // of training, where they are known
  bool trained = false;
};

// Training samples of a set whose size the config alone tells; nothing for files of the user's own.
std::optional<std::int64_t> declared_samples(const data::DataConfig& config) {
  const std::optional<std::int64_t> all = config.declared_train();
  if (!all) return std::nullopt;
  const std::int64_t validation = config.validation.value_or(data::default_validation(*all));
  return std::max<std::int64_t>(0, std::min(config.train_limit.value_or(*all), *all - validation));
}

// Something that was trained, by its name alone.
bool is_saved(const fs::path& path) { return fs::is_directory(path) || path.extension() == ".safetensors"; }

Subject subject_of(const Session& session, const std::string& path, const std::vector<std::string>& sets) {
  if (is_saved(path)) {
    if (!sets.empty()) throw core::ConfigError(fmt::format("--set changes a config; {} is a trained model", path));
    SavedModel saved = load_model(path, *session.registry);
    const std::optional<std::int64_t> samples = declared_samples(saved.config.data);
    return {.config = std::move(saved.config), .sample = saved.input.sample, .samples = samples, .trained = true};
  }
  LoadedConfig<ExperimentConfig> loaded = load_config(path, sets, ExperimentConfig(*session.registry)).whole;
  const data::DataConfig& declared = loaded.config.data;
  std::optional<core::Shape> sample = declared_sample(declared);
  std::optional<std::int64_t> samples = declared_samples(declared);
  if (!sample) {
    const data::LoadedData data = load_data(declared);
    sample = data.set.sample();
    samples = data.set.train.size();
  }
  check_layers(loaded, *sample);
  return {.config = std::move(loaded.config), .sample = *sample, .samples = samples};
}

std::int64_t parameters_of(const nn::LayerInfo& layer) {
  std::int64_t count = 0;
  for (const nn::Parameter& parameter : layer.parameters) count += parameter.numel();
  return count;
}

ordered_json layer_json(const nn::LayerInfo& layer, const WeightBits& bits) {
  ordered_json tensors = ordered_json::array();
  for (const nn::Parameter& p : layer.parameters) {
    tensors.push_back({{"name", p.name},
                       {"shape", p.shape.extents()},
                       {"bits", bits_of(p, bits)},
                       {"bytes", bytes_of(p.numel(), bits_of(p, bits))}});
  }
  return {{"layer", layer.path},
          {"type", layer.type},
          {"input", layer.input.extents()},
          {"output", layer.output.extents()},
          {"parameters", parameters_of(layer)},
          {"multiply_adds", layer.multiply_adds},
          {"bits", bits_of(layer, bits)},
          {"bytes", bytes_of(layer, bits)},
          {"tensors", tensors}};
}

std::string layers_text(const nn::Model& model, const WeightBits& bits, bool lowered) {
  Table table({"layer", "type", "input", "output", "parameters", "multiply-adds", "bits", "bytes"});
  for (const nn::LayerInfo* layer : model.infos()) {
    const std::int64_t parameters = parameters_of(*layer);
    table.row({layer->path, layer->type, layer->input.text(), layer->output.text(), count_text(parameters),
               count_text(layer->multiply_adds), parameters > 0 ? std::to_string(bits_of(*layer, bits)) : "-",
               parameters > 0 ? count_text(bytes_of(*layer, bits)) : "-"});
  }
  const nn::ModelFacts facts = model.facts();
  table.row({"total", "", model.input().text(), model.output().text(), count_text(facts.parameters),
             count_text(facts.multiply_adds), "", count_text(bytes_of(model, bits))});
  return table.text() +
         "bytes: of weights and biases alone, each in its bits; a file has scales, names and its config beside them\n" +
         std::string(lowered ? "       (of the model; a program has no batch norms, which are folded, and a bias for "
                               "every output)\n"
                             : "");
}

std::string rule_text(const quant::SitePlan& site, const quant::QuantizationConfig& config) {
  if (site.rule == quant::kDefaultRule) return "default";
  if (site.rule < 0) return "-";
  return fmt::format("{}: {}", site.rule, config.rules[static_cast<std::size_t>(site.rule)].sites);
}

ordered_json sites_json(const std::vector<quant::SitePlan>& sites, const quant::QuantizationConfig& config) {
  ordered_json all = ordered_json::array();
  for (const quant::SitePlan& site : sites) {
    all.push_back({{"site", site.site},
                   {"shape", site.shape.extents()},
                   {"quantizer", site.quantizer},
                   {"how", quant::how_name(site.how)},
                   {"bits", site.bits},
                   {"rule", rule_text(site, config)}});
  }
  return all;
}

// All of them, so that it can be seen which names a rule could take.
std::string sites_text(const std::vector<quant::SitePlan>& sites, const quant::QuantizationConfig& config) {
  Table table({"site", "shape", "quantizer", "bits", "bytes", "rule"});
  for (const quant::SitePlan& site : sites) {
    const bool weight = site.kind == nn::SiteKind::kWeight;
    const std::string quantizer = site.quantizer.empty() ? "-" : site.quantizer;
    table.row({site.site, site.shape.text(), quantizer + (site.how == quant::How::kDynamic ? ", dynamic" : ""),
               std::to_string(site.bits), weight ? count_text(bytes_of(site.shape.numel(), site.bits)) : "-",
               rule_text(site, config)});
  }
  return table.text();
}

// What would refuse the config before it is trained is said here, where it does not stop the rest.
std::pair<ordered_json, std::string> arithmetic_of(const ExperimentConfig& config, const core::Shape& sample) {
  try {
    const std::optional<Arithmetic> planned = planned_arithmetic(config, sample);
    if (!planned) return {nullptr, {}};
    return {{{"integers", planned->integers}, {"floats", planned->floats}}, arithmetic_text(*planned)};
  } catch (const core::UnsupportedError& error) {
    return {{{"refused", error.what()}}, fmt::format("has no form in integers, so run refuses it: {}", error.what())};
  }
}

// Of a config without quantization, sites with nothing in them.
std::vector<quant::SitePlan> sites_of(nn::Model& model, const ExperimentConfig& config) {
  if (config.quantization) return quant::plan(model, *config.quantization);
  std::vector<quant::SitePlan> sites;
  for (const nn::Site* site : model.sites()) {
    sites.push_back(
        {.site = site->name, .kind = site->kind, .shape = site->shape, .rule = quant::kNoRule, .quantizer = {}});
  }
  return sites;
}

int describe_program(const Session& session, const fs::path& file, const std::vector<std::string>& sets) {
  if (!sets.empty()) throw core::ConfigError(fmt::format("--set changes a config; {} is a program", file.string()));
  const ordered_json document = program_description(load_saved_program(file));
  print_result(session, document, program_description_text(document));
  return kDone;
}

int describe(const Session& session, const std::string& path, const std::vector<std::string>& sets, bool estimate) {
  if (is_saved(path)) {
    if (const std::optional<fs::path> file = program_file(path)) return describe_program(session, *file, sets);
  }
  const Subject subject = subject_of(session, path, sets);
  nn::Model model = nn::Model::planned(subject.config.model, subject.sample);
  const nn::ModelFacts facts = model.facts();
  const std::vector<quant::SitePlan> sites = sites_of(model, subject.config);
  const WeightBits bits = weight_bits(sites);
  ordered_json layers = ordered_json::array();
  for (const nn::LayerInfo* layer : model.infos()) layers.push_back(layer_json(*layer, bits));
  ordered_json document{
      {"name", subject.config.name},         {"trained", subject.trained},           {"layers", layers},
      {"parameters", facts.parameters},      {"multiply_adds", facts.multiply_adds}, {"bytes", bytes_of(model, bits)},
      {"float32_bytes", bytes_of(model, {})}};
  std::string text = fmt::format("{} ({})\n\n{}", subject.config.name, subject.trained ? "trained model" : "config",
                                 layers_text(model, bits, subject.config.lower.has_value()));
  const quant::QuantizationConfig rules = subject.config.quantization.value_or(quant::QuantizationConfig());
  document["sites"] = sites_json(sites, rules);
  text += "\n" + sites_text(sites, rules);
  if (subject.config.quantization) {
    if (const auto [arithmetic, line] = arithmetic_of(subject.config, subject.sample); !arithmetic.is_null()) {
      document["arithmetic"] = arithmetic;
      text += "\n" + line + "\n";
    }
  }
  const bool trains = subject.config.train.epochs > 0;  // what quantize made was trained elsewhere
  if (estimate && trains && subject.samples) {
    const std::int64_t samples = *subject.samples;
    const TrainingCost cost = measure_training(subject.config, subject.sample, samples);
    document["training"] = {{"samples", samples},
                            {"epochs", subject.config.train.epochs},
                            {"precision", core::precision_name(subject.config.train.precision)},
                            {"flop", cost.flop},
                            {"step_seconds", cost.step_seconds},
                            {"samples_per_second", cost.samples_per_second},
                            {"seconds", cost.seconds}};
    text += fmt::format(
        "\ntraining: {} epochs of {} samples, {:.3g} floating-point operations, about {} here\n"
        "          ({:.0f} samples/s, measured on random samples for a second; batch {}, {})\n",
        subject.config.train.epochs, count_text(samples), cost.flop, duration_text(cost.seconds),
        cost.samples_per_second, subject.config.train.batch, core::precision_name(subject.config.train.precision));
  }
  print_result(session, document, text);
  return kDone;
}

}  // namespace

void add_describe(Verb& program, Session& session) {
  struct DescribeArguments {
    std::string subject;
    std::vector<std::string> sets;
    bool no_estimate = false;
  };
  const auto arguments = std::make_shared<DescribeArguments>();
  Verb verb =
      add_verb(program, session, "describe",
               "the layers and sites of a config or a saved model: shapes, parameters, quantizers, cost, and the time "
               "training takes; of a program, its instructions",
               [&session, arguments] {
                 return describe(session, arguments->subject, arguments->sets, !arguments->no_estimate);
               });
  verb.option("SUBJECT", arguments->subject, "a config, a run folder, a model file or a program").required();
  verb.option("--set", arguments->sets, "change one value of the config first, e.g. --set train.epochs=3 (repeatable)")
      .value_name("PATH=VALUE")
      .one_at_a_time();
  verb.flag("--no-estimate", arguments->no_estimate,
            "leave out the time of training, which is measured for about a second");
}

}  // namespace tempera::cli
