// tempera eval: how good a saved model is.
#include <fmt/format.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tempera/apps/commands/command.hpp"
#include "tempera/apps/experiment/data_source.hpp"
#include "tempera/apps/experiment/evaluation.hpp"
#include "tempera/apps/experiment/lowered_model.hpp"
#include "tempera/apps/experiment/npy_file.hpp"
#include "tempera/apps/experiment/quantized_model.hpp"
#include "tempera/apps/experiment/saved_model.hpp"
#include "tempera/apps/experiment/saved_outputs.hpp"
#include "tempera/apps/experiment/saved_program.hpp"
#include "tempera/apps/experiment/statistics.hpp"
#include "tempera/apps/experiment/training.hpp"
#include "tempera/apps/interrupt.hpp"
#include "tempera/apps/output_file.hpp"
#include "tempera/apps/terminal.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/nn/metrics.hpp"

namespace tempera::cli {
namespace {

using nlohmann::ordered_json;

struct EvalArguments {
  std::string model, data, split = "test", mode, logits;
};

const data::Split& split_named(const data::Dataset& set, const std::string& name) {
  if (name == "train") return set.train;
  return name == "validation" ? set.validation : set.test;
}

// How many samples of the model's own set were kept for validation means nothing to another one, which may have fewer.
data::DataConfig data_named(data::DataConfig config, const std::string& name, const std::string& split) {
  if (name.empty()) return config;
  if (name != data::set_name(config.name) && split != "validation") config.validation = 0;
  for (std::size_t i = 0; i < data::kSets.size(); ++i) {
    if (data::kSets[i].name == name) {
      config.name = static_cast<data::SetName>(i);
      config.fallback = data::Fallback::kNone;
      return config;
    }
  }
  throw core::ConfigError(fmt::format("--data: \"{}\" is no set; `tempera data list` names them", name));
}

std::string confusion_text(const report::Evaluation& evaluation) {
  std::vector<std::string> header{"true \\ predicted"};
  for (std::size_t j = 0; j < evaluation.confusion.size(); ++j)
    header.push_back(evaluation.classes.empty() ? std::to_string(j) : evaluation.classes[j]);
  Table table(header);
  for (std::size_t i = 0; i < evaluation.confusion.size(); ++i) {
    std::vector<std::string> cells{header[i + 1]};
    for (const std::int64_t count : evaluation.confusion[i]) cells.push_back(count == 0 ? "·" : std::to_string(count));
    table.row(cells);
  }
  return table.text();
}

// The arithmetic asked for; not asked: that of the config.
std::string mode_of(const SavedModel& saved, const std::string& asked) {
  if (asked.empty()) return shipped_mode(saved);
  if (saved.packed && asked == "float") {
    throw core::UnsupportedError("--mode float",
                                 fmt::format("{} has rounded weights alone; the floats that they were made of are in "
                                             "model.safetensors of its run",
                                             saved.file.string()));
  }
  if (saved.config.quantization || asked == "float") return asked;
  throw core::UnsupportedError("--mode " + asked,
                               "the model is not quantized: its config has no section \"quantization\" "
                               "(`tempera quantize` makes a quantized model of it)");
}

// What is evaluated: a model in one of its arithmetics, or a program.
struct EvalSubject {
  std::string file, model, mode;  // whose numbers they are, and the model that was read for it
  data::DataConfig data;
  InputPipeline input;
  std::function<nn::Outputs(const data::Split&)> outputs;
  std::function<std::vector<quant::SiteOverflows>()> overflows = {};  // of what was evaluated last
};

// How it was trained is not in a program's file, so its loss is the cross-entropy.
EvalSubject subject_of_program(const std::filesystem::path& file, const Session& session,
                               const EvalArguments& arguments) {
  if (!arguments.mode.empty() && arguments.mode != "integer") {
    throw core::UnsupportedError(
        "--mode " + arguments.mode,
        fmt::format("{} is a program of integers; the model that it was made of (model.safetensors of its run) "
                    "has the other arithmetics",
                    file.string()));
  }
  const auto saved = std::make_shared<SavedProgram>(load_saved_program(file));
  const nn::Objective objective = objective_of(ExperimentConfig(*session.registry));
  return {.file = file.string(),
          .model = file.string(),
          .mode = "integer",
          .data = saved->data,
          .input = saved->input,
          .outputs = [saved, objective](const data::Split& split) {
            return outputs_of(engine_forward(saved->program), split, saved->input.normalization, objective);
          }};
}

EvalSubject subject_of(const Session& session, const EvalArguments& arguments) {
  if (const auto file = program_file(arguments.model)) return subject_of_program(*file, session, arguments);
  const auto saved = std::make_shared<SavedModel>(load_model(arguments.model, *session.registry));
  const std::string mode = mode_of(*saved, arguments.mode);
  return {.file = evaluated_file(*saved, mode).string(),
          .model = saved->file.string(),
          .mode = mode,
          .data = saved->config.data,
          .input = saved->input,
          .outputs = [saved, mode](const data::Split& split) { return outputs_in(mode, *saved, split); },
          .overflows = [saved] { return quant::overflows(saved->model); }};
}

std::vector<std::filesystem::path> inputs_of(const EvalArguments& arguments, const EvalSubject& subject) {
  std::vector<std::filesystem::path> inputs{arguments.model, subject.file, subject.model};
  const std::filesystem::path folder = subject.data.dir.value_or("");
  const data::OwnFiles& files = subject.data.files;
  for (const std::string& file : {files.train_images, files.train_labels, files.test_images, files.test_labels}) {
    if (!file.empty()) inputs.push_back(folder / file);
  }
  return inputs;
}

// What is not finite there comes from the file's numbers.
nn::Outputs outputs_of_subject(const EvalSubject& subject, const data::Split& split) {
  try {
    return subject.outputs(split);
  } catch (const core::NumericError& error) {
    throw core::NumericError(subject.file, -1, error.what());
  }
}

int evaluate(const Session& session, const EvalArguments& arguments) {
  const InterruptGuard guard;
  const EvalSubject subject = subject_of(session, arguments);
  std::optional<OutputFile> logits;  // a target that cannot be is told before the work
  if (!arguments.logits.empty()) logits.emplace(arguments.logits, inputs_of(arguments, subject));
  const data::LoadedData data = load_data(data_named(subject.data, arguments.data, arguments.split));
  const data::Split& split = split_named(data.set, arguments.split);
  if (split.size() == 0) throw core::DataError(data.used, "has no " + arguments.split + " samples");
  check_fits(subject.input, data);
  const nn::Outputs outputs = outputs_of_subject(subject, split);
  if (logits) logits->write(npy_bytes(outputs.logits));
  ordered_json overflows = ordered_json::object();
  for (const quant::SiteOverflows& lost :
       subject.overflows ? subject.overflows() : std::vector<quant::SiteOverflows>()) {
    warn(overflow_text(lost));
    overflows[lost.site] = lost.overflows.count;
  }
  const report::Scores scores = scores_of(outputs);
  const nn::ClassificationMetrics metrics = nn::classification_metrics(outputs.logits, outputs.labels);
  const report::Evaluation evaluation = evaluation_of(outputs, split, data.set.classes);
  const double equal_mass =
      nn::expected_calibration_error(nn::reliability(outputs.logits, outputs.labels, nn::Binning::kEqualMass));
  const Interval interval = wilson_interval(scores.errors, scores.n);
  std::string text = fmt::format("{} on {} of {} ({} samples), {}\n", subject.file, arguments.split, data.used,
                                 count_text(scores.n), subject.mode);
  text +=
      fmt::format("accuracy {:.2f} %   errors {} ({:.2f} %, 95 % interval {:.2f} - {:.2f})\n", 100 * scores.accuracy,
                  scores.errors, 100 * (1 - scores.accuracy), 100 * interval.low, 100 * interval.high);
  text +=
      fmt::format("nll {:.4f} nats   brier {:.4f}   ece {:.4f} (bins of equal mass {:.4f})   entropy {:.4f} nats\n\n",
                  metrics.nll, metrics.brier, metrics.ece, equal_mass, metrics.entropy);
  print_result(session,
               {{"model", subject.file},
                {"data", data.used},
                {"fallback", data.fallback},
                {"split", arguments.split},
                {"mode", subject.mode},
                {"n", scores.n},
                {"errors", scores.errors},
                {"accuracy", scores.accuracy},
                {"error_interval", {interval.low, interval.high}},
                {"loss", scores.loss},
                {"nll", metrics.nll},
                {"brier", metrics.brier},
                {"ece", metrics.ece},
                {"ece_equal_mass", equal_mass},
                {"entropy", metrics.entropy},
                {"confusion", evaluation.confusion},
                {"overflows", overflows}},
               text + confusion_text(evaluation));
  return kDone;
}

}  // namespace

void add_eval(Verb& program, Session& session) {
  const auto arguments = std::make_shared<EvalArguments>();
  Verb verb = add_verb(program, session, "eval", "test a saved model: errors, confusion, calibration",
                       [&session, arguments] { return evaluate(session, *arguments); });
  verb.option("MODEL", arguments->model, "a run folder, a model file or a program of integers").required();
  verb.option("--data", arguments->data, "another set than the one it was trained on; `tempera data list` names them")
      .value_name("NAME");
  verb.option("--split", arguments->split, "train, validation or test (default)")
      .one_of({"train", "validation", "test"})
      .value_name("SPLIT");
  verb.option("--mode", arguments->mode,
              "float, fake_quant (exact where the model is lowered) or integer (a program, or dynamic products); "
              "not given: what "
              "the model was made for")
      .one_of({"float", "fake_quant", "integer"})
      .value_name("MODE");
  verb.option("--dump-logits", arguments->logits,
              "write the outputs before softmax as a NumPy array [samples, classes]")
      .value_name("F.npy");
}

}  // namespace tempera::cli
