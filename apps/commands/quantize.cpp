// tempera quantize: few bits for a finished model, without training it again.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tempera/apps/commands/command.hpp"
#include "tempera/apps/experiment/document.hpp"
#include "tempera/apps/experiment/load_config.hpp"
#include "tempera/apps/experiment/runner.hpp"
#include "tempera/apps/experiment/saved_model.hpp"
#include "tempera/apps/experiment/saved_program.hpp"
#include "tempera/apps/experiment/search_run.hpp"
#include "tempera/apps/experiment/sizes.hpp"
#include "tempera/apps/interrupt.hpp"
#include "tempera/apps/report/repairs.hpp"
#include "tempera/apps/report/run_files.hpp"
#include "tempera/apps/terminal.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/quant/input_bits.hpp"

namespace tempera::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

struct QuantizeArguments {
  std::string model, config, out, measure = "size";
  bool search = false, resume = false;
  double budget = 0;
  std::vector<std::string> sets;
};

// Wrong usage, as a quantized model is; loading it as a model would make a failure of it.
void refuse_program(const std::string& model) {
  if (const std::optional<fs::path> program = program_file(model)) {
    throw core::ConfigError(
        fmt::format("{} is a program of integers, quantized already; quantize the model of floats that it came from",
                    program->string()));
  }
}

// The experiment that the model came from, with nothing left to train, from its weights on.
core::ConfigValue experiment_of(SavedModel& saved, const std::string& model) {
  if (saved.config.quantization) {
    throw core::ConfigError(
        fmt::format("{} is quantized already; quantize the model of floats that it came from", model));
  }
  saved.config.train.initial = fs::absolute(model_file(model)).lexically_normal().string();
  saved.config.train.epochs = 0;
  saved.config.train.early_stopping.reset();
  saved.config.name += "-quantized";
  core::ConfigValue document = core::write_fields([&saved](core::FieldVisitor& v) { saved.config.fields(v); });
  document.erase("study");
  return document;
}

// Of the file only what says how to quantize; the network, its data and its weights are the model's.
constexpr std::array<std::string_view, 3> kTaken{"name", "quantization", "lower"};

bool is_taken(std::string_view name) { return std::ranges::find(kTaken, name) != kTaken.end(); }

// What the file or the command line says of anything else would be without effect. What the file extends may be the whole
// experiment that its rules were written for, which only has to be sound.
void check_sections(const core::ConfigValue& experiment, const ConfigDocument& file, const QuantizeArguments& arguments,
                    const Registry& registry, std::vector<core::ConfigIssue>& issues) {
  core::ConfigValue whole = experiment;
  const auto useless = [&issues](const core::Place& place, std::string_view name) {
    issues.push_back({place.file, place.line, core::child_pointer("", name),
                      "has no effect: quantize takes \"name\", \"quantization\" and \"lower\" from here, and the "
                      "rest from the model"});
  };
  for (const core::ConfigMember& member : file.value.members) {
    if (is_taken(member.name)) continue;
    const bool known = member.name == "study" || whole.find(member.name) != nullptr;
    if (known && (member.name == "study" || member.value.place.file == arguments.config)) {
      useless(member.value.place, member.name);
    } else {
      whole.set(member.name, member.value);
    }
  }
  for (const std::string& set : arguments.sets) {
    const std::string first = set.substr(0, set.find_first_of(".="));
    if (!is_taken(first) && whole.find(first) != nullptr) useless({"--set " + core::shortened(set), 0}, first);
  }
  static_cast<void>(read_config(whole, ExperimentConfig(registry), issues));
}

bool is_aware(const core::ConfigValue* when) {
  return when != nullptr && when->is(core::ConfigValue::Kind::kText) && when->text == "aware";
}

// What a file or the command line says of training would be without effect. Defaults, which resolved configs spell out, say
// nothing; and what the file extends may have been trained with its rules.
void check_training_keys(const ConfigDocument& file, const QuantizeArguments& arguments,
                         std::vector<core::ConfigIssue>& issues) {
  const core::ConfigValue* section = file.value.find("quantization");
  if (section == nullptr || !section->is(core::ConfigValue::Kind::kObject)) return;
  const auto refuse = [&](std::string_view name, const char* message) {
    const core::ConfigValue* value = section->find(name);
    if (value == nullptr || value->is(core::ConfigValue::Kind::kNull)) return;
    if (value->is(core::ConfigValue::Kind::kInteger) && value->integer == 0 && name == "start_epoch") return;
    if (value->place.file != arguments.config && !value->place.file.starts_with("--set")) return;
    issues.push_back({value->place.file, value->place.line, core::child_pointer("/quantization", name), message});
  };
  for (const char* name : {"start_epoch", "freeze_observers", "freeze_batch_norm"}) {
    refuse(name, "has no effect: it is of training, and quantize does not train");
  }
  if (is_aware(section->find("when"))) {
    refuse("when", "must be \"after\", or not be there: quantize does not train; `tempera run` does");
  }
}

void take_sections(core::ConfigValue& document, const ConfigDocument& file) {
  for (const std::string_view name : kTaken) {
    if (const core::ConfigValue* given = file.value.find(name)) document.set(name, *given);
  }
  if (core::ConfigValue* section = document.find("quantization");
      section != nullptr && section->is(core::ConfigValue::Kind::kObject)) {
    const core::ConfigValue* when = section->find("when");
    // What else stands there is read, and refused if it is no word for it.
    if (when == nullptr || is_aware(when)) section->set("when", core::ConfigValue::of(std::string("after")));
  }
}

LoadedConfig<ExperimentConfig> loaded_of(const Session& session, const QuantizeArguments& arguments,
                                         std::string& text) {
  SavedModel saved = load_model(arguments.model, *session.registry);
  core::ConfigValue document = experiment_of(saved, arguments.model);
  std::vector<core::ConfigIssue> issues;
  const std::optional<ConfigDocument> file = load_document(arguments.config, arguments.sets, issues);
  const core::ConfigValue* section = file ? file->value.find("quantization") : nullptr;
  if (file && (section == nullptr || section->is(core::ConfigValue::Kind::kNull))) {
    issues.push_back(
        {.file = arguments.config, .message = "has no section \"quantization\", which says what is rounded where"});
  }
  if (!file) throw core::ConfigError(std::move(issues));
  check_sections(document, *file, arguments, *session.registry, issues);
  check_training_keys(*file, arguments, issues);
  take_sections(document, *file);
  text = file->text;
  LoadedConfig<ExperimentConfig> loaded = read_config(document, ExperimentConfig(*session.registry), issues);
  drop_repeated(issues);
  if (!issues.empty()) throw core::ConfigError(std::move(issues));
  return loaded;
}

std::string table_text(const report::RunData& run) {
  std::string text;
  if (run.quantization) {
    Table sites({"site", "grid", "values", "bytes", "SQNR dB"});
    for (const report::QuantizedSite& site : run.quantization->sites) {
      const bool weight = site.kind == "weight";
      sites.row({site.site, site.grid, count_text(site.values),
                 weight ? count_text(bytes_of(site.values, static_cast<int>(site.bits))) : "-",
                 std::isnan(site.sqnr) ? "exact" : fmt::format("{:.1f}", site.sqnr)});
    }
    text += sites.text() + "\n";
  }
  for (const std::string& line : report::repairs_lines(run.summary.repairs)) text += line + "\n";
  if (run.summary.repairs.any()) text += "\n";
  Table scores({"arithmetic", "test errors", "accuracy %", "nll"});
  for (const char* mode : report::kModes) {
    const auto splits = run.summary.results.find(mode);
    if (splits == run.summary.results.end() || !splits->second.contains("test")) continue;
    const report::Scores& test = splits->second.at("test");
    scores.row({report::mode_name(mode, report::float_weights(run.summary)), count_text(test.errors),
                fmt::format("{:.2f}", 100 * test.accuracy), fmt::format("{:.4f}", test.nll)});
  }
  text += scores.text();
  const std::string sizes = sizes_text(run.summary.model);
  return text + (sizes.empty() ? "" : "\n" + sizes);
}

// Half of what 8 bits everywhere would take, unless said otherwise.
quant::BitBudget budget_of(const QuantizeArguments& arguments, nn::Model& model, const ExperimentConfig& config) {
  const bool size = arguments.measure == "size";
  quant::BitBudget budget{.measure = size ? quant::BudgetMeasure::kSize : quant::BudgetMeasure::kBitOperations};
  if (!size && config.quantization) budget.input_bits = quant::input_bits(model, *config.quantization);
  double half = 0;
  for (const nn::LayerInfo* layer : model.infos()) {
    for (const nn::Site& site : layer->sites) {
      if (site.kind != nn::SiteKind::kWeight) continue;
      half += size ? 4.0 * static_cast<double>(site.shape.numel())
                   : 4.0 * static_cast<double>(layer->multiply_adds * budget.bits_before(site.name));
    }
  }
  budget.limit = arguments.budget > 0 ? arguments.budget * (size ? 8 : 1) : half;
  return budget;
}

int search(const Session& session, const QuantizeArguments& arguments, const RunOptions& options) {
  SavedModel saved = load_model(arguments.model, *session.registry);
  std::string text;
  const LoadedConfig<ExperimentConfig> loaded = loaded_of(session, arguments, text);
  const SearchResult result = run_search(saved, loaded, budget_of(arguments, saved.model, loaded.config), options);
  print_result(session, ordered_json::parse(result.document),
               result.text + fmt::format("to quantize with these bits: tempera quantize {} --config {}\n"
                                         "to train with them, from these weights on: tempera run {}\npicture: {}\n",
                                         arguments.model, (result.folder / "searched.json").string(),
                                         (result.folder / "searched-training.json").string(),
                                         (result.folder / "search.html").string()));
  return kDone;
}

int quantize(const Session& session, const QuantizeArguments& arguments) {
  const InterruptGuard guard;
  refuse_program(arguments.model);
  RunOptions options{.resume = arguments.resume};
  if (!arguments.out.empty()) options.out = arguments.out;
  if (arguments.search) return search(session, arguments, options);
  std::string text;
  const LoadedConfig<ExperimentConfig> loaded = loaded_of(session, arguments, text);
  const RunResult result = run_experiment(loaded, text, options);
  auto document = ordered_json::parse(report::summary_text(result.summary));
  document["folder"] = result.folder.string();
  print_result(session, document,
               table_text(report::load_run(result.folder)) +
                   fmt::format("report: {}\n", (result.folder / "report.html").string()));
  return kDone;
}

}  // namespace

void add_quantize(Verb& program, Session& session) {
  const auto arguments = std::make_shared<QuantizeArguments>();
  Verb verb = add_verb(program, session, "quantize",
                       "few bits for a finished model: calibrate it, test it, lower it to integers",
                       [&session, arguments] { return quantize(session, *arguments); });
  verb.option("MODEL", arguments->model, "a run folder or a model file, trained in floats").required();
  verb.option("--config", arguments->config, "a file with the sections quantization and, for integers, lower")
      .required()
      .value_name("FILE");
  verb.option("--set", arguments->sets,
              "change one value, e.g. --set quantization.rules.0.quantizer.bits=4 (repeatable)")
      .value_name("PATH=VALUE")
      .one_at_a_time();
  const Option search = verb.flag("--search", arguments->search,
                                  "measure what each site suffers at 8, 4 and 2 bits, and find bits for each "
                                  "weight within a budget: writes a config");
  verb.option("--budget", arguments->budget,
              "for --search: bytes of weights (or bit operations); default: half of 8 bits everywhere")
      .number_between(1, 1e18)
      .needs(search)
      .value_name("N");
  verb.option("--measure", arguments->measure, "for --search: size (default) or bit_operations")
      .one_of({"size", "bit_operations"})
      .needs(search)
      .value_name("NAME");
  verb.option("--out", arguments->out, "folder to write into (default: runs/<name>-<hash>, runs/<name>-search-<hash>)")
      .value_name("DIR");
  verb.flag("--resume", arguments->resume, "begin again in a folder in which this did not finish");
}

}  // namespace tempera::cli
