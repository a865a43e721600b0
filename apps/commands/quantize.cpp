// tempera quantize: few bits for a finished model, without training it again.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tempera/apps/commands/command.hpp"
#include "tempera/apps/experiment/bit_search.hpp"
#include "tempera/apps/experiment/data_source.hpp"
#include "tempera/apps/experiment/document.hpp"
#include "tempera/apps/experiment/load_config.hpp"
#include "tempera/apps/experiment/runner.hpp"
#include "tempera/apps/experiment/saved_model.hpp"
#include "tempera/apps/interrupt.hpp"
#include "tempera/apps/report/run_files.hpp"
#include "tempera/apps/terminal.hpp"
#include "tempera/core/atomic_file.hpp"
#include "tempera/core/errors.hpp"

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
void take_sections(core::ConfigValue& document, const ConfigDocument& file) {
  for (const char* name : {"name", "quantization", "lower"}) {
    if (const core::ConfigValue* given = file.value.find(name)) document.set(name, *given);
  }
  if (core::ConfigValue* section = document.find("quantization");
      section != nullptr && section->is(core::ConfigValue::Kind::kObject)) {
    section->set("when", core::ConfigValue::of(std::string("after")));
  }
}

LoadedConfig<ExperimentConfig> loaded_of(const Session& session, const QuantizeArguments& arguments,
                                         std::string& text) {
  SavedModel saved = load_model(arguments.model, *session.registry);
  core::ConfigValue document = experiment_of(saved, arguments.model);
  std::vector<core::ConfigIssue> issues;
  const std::optional<ConfigDocument> file = load_document(arguments.config, arguments.sets, issues);
  if (file && file->value.find("quantization") == nullptr) {
    issues.push_back(
        {.file = arguments.config, .message = "has no section \"quantization\", which says what is rounded where"});
  }
  if (!file || !issues.empty()) throw core::ConfigError(std::move(issues));
  take_sections(document, *file);
  text = file->text;
  LoadedConfig<ExperimentConfig> loaded = read_config(document, ExperimentConfig(*session.registry), issues);
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
                 weight ? count_text((site.values * site.bits + 7) / 8) : "-",
                 std::isnan(site.sqnr) ? "exact" : fmt::format("{:.1f}", site.sqnr)});
    }
    text += sites.text() + "\n";
  }
  Table scores({"arithmetic", "test errors", "accuracy %", "nll"});
  for (const char* mode : {"float", "fake_quant", "integer"}) {
    const auto splits = run.summary.results.find(mode);
    if (splits == run.summary.results.end() || !splits->second.contains("test")) continue;
    const report::Scores& test = splits->second.at("test");
    scores.row(
        {mode, count_text(test.errors), fmt::format("{:.2f}", 100 * test.accuracy), fmt::format("{:.4f}", test.nll)});
  }
  text += scores.text();
  for (const auto& [name, form] : {std::pair("program", "as a program"), std::pair("packed", "with packed weights")}) {
    const auto stored = run.summary.model.bytes.find(name);
    if (stored == run.summary.model.bytes.end()) continue;
    text += fmt::format("\nsize: {} bytes as float32, {} {}\n", count_text(run.summary.model.bytes.at("float32")),
                        count_text(stored->second), form);
  }
  return text;
}

// CLI11's own checks let "nan" pass.
std::string sensible_budget(const std::string& text) {
  constexpr double kLeast = 1, kMost = 1e18;
  double value = 0;
  const bool number = CLI::detail::lexical_cast(text, value);
  if (number && value >= kLeast && value <= kMost) return {};
  return fmt::format("must be a number from {} to {}, got {}", kLeast, kMost, text);
}

// Half of what 8 bits everywhere would take, unless said otherwise.
quant::BitBudget budget_of(const QuantizeArguments& arguments, const nn::Model& model) {
  const bool size = arguments.measure == "size";
  quant::BitBudget budget{.measure = size ? quant::BudgetMeasure::kSize : quant::BudgetMeasure::kBitOperations};
  double half = 0;
  for (const nn::LayerInfo* layer : model.infos()) {
    for (const nn::Site& site : layer->sites) {
      if (site.kind != nn::SiteKind::kWeight) continue;
      half += size ? 4.0 * static_cast<double>(site.shape.numel())
                   : 4.0 * static_cast<double>(layer->multiply_adds * budget.activation_bits);
    }
  }
  budget.limit = arguments.budget > 0 ? arguments.budget * (size ? 8 : 1) : half;
  return budget;
}

int search(const Session& session, const QuantizeArguments& arguments) {
  SavedModel saved = load_model(arguments.model, *session.registry);
  std::string text;
  const LoadedConfig<ExperimentConfig> loaded = loaded_of(session, arguments, text);
  const data::LoadedData data = load_data(saved.config.data);
  const quant::BitBudget budget = budget_of(arguments, saved.model);
  const BitSearch found = search_bits(saved, *loaded.config.quantization, data, budget);
  const fs::path folder = arguments.out.empty() ? fs::path("bit-search") : fs::path(arguments.out);
  fs::create_directories(folder);
  core::write_file_atomically(folder / "searched.json", found.config);
  core::write_file_atomically(folder / "search.html", search_page(found, budget, arguments.model));
  ordered_json document = search_json(found);
  document["config"] = (folder / "searched.json").string();
  print_result(
      session, document,
      search_text(found, budget) + fmt::format("a config to quantize or train with: {}\npicture: {}\n",
                                               (folder / "searched.json").string(), (folder / "search.html").string()));
  return kDone;
}

int quantize(const Session& session, const QuantizeArguments& arguments) {
  const InterruptGuard guard;
  if (arguments.search) return search(session, arguments);
  std::string text;
  const LoadedConfig<ExperimentConfig> loaded = loaded_of(session, arguments, text);
  RunOptions options{.resume = arguments.resume};
  if (!arguments.out.empty()) options.out = arguments.out;
  const RunResult result = run_experiment(loaded, text, options);
  auto document = ordered_json::parse(report::summary_text(result.summary));
  document["folder"] = result.folder.string();
  print_result(session, document,
               table_text(report::load_run(result.folder)) +
                   fmt::format("report: {}\n", (result.folder / "report.html").string()));
  return kDone;
}

}  // namespace

void add_quantize(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<QuantizeArguments>();
  CLI::App* verb =
      add_verb(app, session, "quantize", "few bits for a finished model: calibrate it, test it, lower it to integers",
               [&session, arguments] { return quantize(session, *arguments); });
  verb->add_option("MODEL", arguments->model, "a run folder or a model file, trained in floats")->required();
  verb->add_option("--config", arguments->config, "a file with the sections quantization and, for integers, lower")
      ->required()
      ->type_name("FILE");
  verb->add_option("--set", arguments->sets,
                   "change one value, e.g. --set quantization.rules.0.quantizer.bits=4 (repeatable)")
      ->type_name("PATH=VALUE")
      ->allow_extra_args(false);
  verb->add_flag("--search", arguments->search,
                 "measure what each site suffers at 8, 4 and 2 bits, and find bits for each weight within a budget: "
                 "writes a config");
  verb->add_option("--budget", arguments->budget,
                   "for --search: bytes of weights (or bit operations); default: half of 8 bits everywhere")
      ->check(sensible_budget)
      ->type_name("N");
  verb->add_option("--measure", arguments->measure, "for --search: size (default) or bit_operations")
      ->check(CLI::IsMember({"size", "bit_operations"}))
      ->type_name("NAME");
  verb->add_option("--out", arguments->out, "folder to write into (default: runs/<name>-<hash>)")->type_name("DIR");
  verb->add_flag("--resume", arguments->resume, "begin again in a folder in which this did not finish");
}

}  // namespace tempera::cli
