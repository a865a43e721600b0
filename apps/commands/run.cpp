// tempera run: the experiment (or the study) of a config.
#include <fmt/format.h>

#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tempera/apps/commands/command.hpp"
#include "tempera/apps/experiment/check_experiment.hpp"
#include "tempera/apps/experiment/resolved_sites.hpp"
#include "tempera/apps/experiment/runner.hpp"
#include "tempera/apps/experiment/sizes.hpp"
#include "tempera/apps/experiment/statistics.hpp"
#include "tempera/apps/experiment/study_runner.hpp"
#include "tempera/apps/experiment/temperature_text.hpp"
#include "tempera/apps/interrupt.hpp"
#include "tempera/apps/report/repairs.hpp"
#include "tempera/apps/report/run_files.hpp"
#include "tempera/apps/shell_word.hpp"
#include "tempera/apps/terminal.hpp"
#include "tempera/core/errors.hpp"

namespace tempera::cli {
namespace {

struct RunArguments {
  std::string config, out;
  std::vector<std::string> sets;
  bool resume = false;
  bool dry_run = false;
};

// Whether steps that were smoothed while training had become hard by its end.
std::string soft_text(const report::RunData& run) {
  if (run.epochs.empty()) return {};
  const report::EpochMetrics& last = run.epochs.back();
  const auto soft = last.extra.find("validation_soft_accuracy"), steepness = last.extra.find("soft_temperature");
  if (soft == last.extra.end() || steepness == last.extra.end()) return {};
  constexpr double kMuch = 0.01;
  const bool apart = soft->second - last.validation.accuracy > kMuch;
  return fmt::format("smoothed steps in the last epoch: T {:.3g}, validation accuracy {:.2f} % soft, {:.2f} % hard{}\n",
                     steepness->second, 100 * soft->second, 100 * last.validation.accuracy,
                     apart ? ": end with a larger T, at which both agree" : "");
}

std::string result_text(const RunResult& result) {
  const report::RunData run = report::load_run(result.folder);
  const std::string mode = report::shipped_mode(result.summary);
  const report::Scores& test = result.summary.results.at(mode).at("test");
  const Interval interval = wilson_interval(test.errors, test.n);
  std::string text = fmt::format(
      "test accuracy {:.2f} % ({} errors of {}; error rate 95 % interval {:.2f} - {:.2f} %), nll {:.4f}, ece "
      "{:.4f}{}\n",
      100 * test.accuracy, test.errors, count_text(test.n), 100 * interval.low, 100 * interval.high, test.nll, test.ece,
      mode == "float" ? "" : ", " + std::string(mode == "integer" ? "in integers" : "in fake quantization"));
  const auto floats = [&](const char* name, const std::string& weights) {
    const auto found = result.summary.results.find(name);
    if (found == result.summary.results.end()) return;
    const report::Scores& scores = found->second.at("test");
    text += fmt::format("{}, in floats: {:.2f} % ({} errors)\n", weights, 100 * scores.accuracy, scores.errors);
  };
  floats(report::kBeforeCalibration, "the weights as trained");
  if (mode != "float") {
    const report::FloatWeights weights = report::float_weights(result.summary);
    floats("float", weights == report::FloatWeights::kRoundingOff
                        ? "the same weights, rounding off (they were trained rounded)"
                    : weights == report::FloatWeights::kCalibrated ? "the weights as calibrated"
                                                                   : "the weights as trained");
  }
  text += soft_text(run);
  for (const std::string& line : report::repairs_lines(result.summary.repairs)) text += line + "\n";
  text += sizes_text(result.summary.model);
  if (run.temperature) {
    text += temperature_text(*run.temperature, run.evaluation ? run.evaluation->classes : std::vector<std::string>());
  }
  return text + fmt::format("report: {}\n", (result.folder / "report.html").string());
}

int dry_run(const LoadedFile<ExperimentConfig>& file) {
  const core::Shape sample = check_all(file);
  // The runs of a study may have different rules.
  fmt::print("{}", core::pretty_json(file.whole.config.is_study()
                                         ? file.whole.resolved
                                         : with_sites(file.whole.resolved, file.whole.config, sample)));
  say(fmt::format(
      "nothing was trained or written (--dry-run); the config above is complete and valid{}",
      file.whole.config.is_study() ? fmt::format(", a study of {} runs", count_text(std::ssize(file.runs))) : ""));
  return kDone;
}

int run_all(const Session& session, const LoadedFile<ExperimentConfig>& file, const RunOptions& options,
            const std::string& command) {
  const StudyResult result = run_study(file, options, command);
  Table table({"run", "varied", "status", "errors", "accuracy %", "nll"});
  bool all_done = true;
  for (const StudyRun& run : result.runs) {
    const bool done = run.summary.status == "completed";
    all_done = all_done && done;
    const report::Scores test =
        done ? run.summary.results.at(report::shipped_mode(run.summary)).at("test") : report::Scores{};
    table.row({run.folder, overrides_text(run), run.summary.status, done ? count_text(test.errors) : "-",
               done ? fmt::format("{:.2f}", 100 * test.accuracy) : "-", done ? fmt::format("{:.4f}", test.nll) : "-"});
  }
  const StudyConfig& study = file.whole.config.study;
  print_result(session, nlohmann::ordered_json::parse(study_json(file.whole.config.name, study, result)),
               fmt::format("{}\ntables: {}, {}\n", table.text(), (result.folder / "study.csv").string(),
                           (result.folder / "study.json").string()));
  return all_done ? kDone : kFailed;
}

// What to type for the same again.
std::string command_of(const Session& session, const RunArguments& arguments) {
  std::string text = "tempera run " + shell_word(arguments.config);
  for (const std::string& set : arguments.sets) text += " --set " + shell_word(set);
  if (session.threads > 0) text += fmt::format(" --threads {}", session.threads);
  return text;
}

int run(const Session& session, const RunArguments& arguments) {
  const InterruptGuard guard;
  const LoadedFile<ExperimentConfig> file =
      load_config(arguments.config, arguments.sets, ExperimentConfig(*session.registry));
  if (arguments.dry_run) return dry_run(file);
  RunOptions options{.resume = arguments.resume};
  if (!arguments.out.empty()) options.out = arguments.out;
  if (file.whole.config.is_study()) return run_all(session, file, options, command_of(session, arguments));
  const RunResult result = run_experiment(file.runs.front(), file.text, options);
  auto document = nlohmann::ordered_json::parse(report::summary_text(result.summary));
  document["folder"] = result.folder.string();
  print_result(session, document, result_text(result));
  return kDone;
}

}  // namespace

void add_run(Verb& program, Session& session) {
  const auto arguments = std::make_shared<RunArguments>();
  Verb verb = add_verb(program, session, "run", "train what a config describes, test it, and write a report",
                       [&session, arguments] { return run(session, *arguments); });
  verb.option("CONFIG", arguments->config, "a JSON file such as configs/mnist-mlp.json").required();
  verb.option("--set", arguments->sets, "change one value, e.g. --set train.epochs=3 (repeatable)")
      .value_name("PATH=VALUE")
      .one_at_a_time();
  verb.option("--out", arguments->out, "folder to write into (default: runs/<name>-<hash>)").value_name("DIR");
  verb.flag("--resume", arguments->resume, "continue a run that did not finish, from its last checkpoint");
  verb.flag("--dry-run", arguments->dry_run, "check everything and print the resolved config; train nothing");
}

}  // namespace tempera::cli
