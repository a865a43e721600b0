#include "tempera/apps/experiment/runner.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "tempera/apps/experiment/check_experiment.hpp"
#include "tempera/apps/experiment/content_hash.hpp"
#include "tempera/apps/experiment/data_source.hpp"
#include "tempera/apps/experiment/initial_weights.hpp"
#include "tempera/apps/experiment/lowered_model.hpp"
#include "tempera/apps/experiment/provenance.hpp"
#include "tempera/apps/experiment/quantized_model.hpp"
#include "tempera/apps/experiment/resolved_sites.hpp"
#include "tempera/apps/experiment/run_folder.hpp"
#include "tempera/apps/experiment/run_notices.hpp"
#include "tempera/apps/experiment/saved_model.hpp"
#include "tempera/apps/experiment/saved_program.hpp"
#include "tempera/apps/experiment/sizes.hpp"
#include "tempera/apps/experiment/training.hpp"
#include "tempera/apps/experiment/training_progress.hpp"
#include "tempera/apps/interrupt.hpp"
#include "tempera/apps/report/page.hpp"
#include "tempera/apps/report/run_files.hpp"
#include "tempera/apps/terminal.hpp"
#include "tempera/apps/text_file.hpp"
#include "tempera/apps/version.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/nn/safetensors.hpp"
#include "tempera/quant/overflows.hpp"
#include "tempera/quant/packed_model.hpp"
#include "tempera/quant/program_file.hpp"

namespace tempera::cli {
namespace fs = std::filesystem;
namespace {

// Read back by the program itself.
constexpr const char* kSummary = "summary.json";

report::EpochMetrics metrics_of(const nn::EpochRecord& record) {
  report::EpochMetrics metrics;
  metrics.epoch = record.epoch;
  metrics.step = record.steps;
  metrics.train = {.loss = record.train.loss, .accuracy = record.train.accuracy};
  if (record.validation) {
    metrics.validation = {.loss = record.validation->loss, .accuracy = record.validation->accuracy};
    metrics.extra["validation_nll"] = record.validation->nll;
    metrics.extra["validation_ece"] = record.validation->ece;
    if (const auto soft = record.validation->soft_accuracy) metrics.extra["validation_soft_accuracy"] = *soft;
    if (const auto gap = record.validation->soft_gap()) metrics.extra["validation_soft_gap"] = *gap;
  }
  if (record.soft_temperature) metrics.extra["soft_temperature"] = *record.soft_temperature;
  for (const auto& [path, value] : record.numbers) {
    if (path == "optimizer.learning_rate") {
      metrics.learning_rate = value;
    } else {
      metrics.extra[path] = value;
    }
  }
  metrics.seconds = record.seconds;
  metrics.samples_per_second = record.samples_per_second;
  return metrics;
}

// One run: its parts, and the steps in which its folder comes about.
class Run {
 public:
  Run(const LoadedConfig<ExperimentConfig>& loaded, const std::string& input_text, const data::LoadedData& data,
      RunFolder& folder, const std::string& identity, RunWatcher* watcher)
      : config_(loaded.config), data_(data), folder_(folder), watcher_(watcher) {
    const std::string resolved = core::pretty_json(with_sites(loaded.resolved, config_, data.set.sample()));
    metadata_ = model_metadata(resolved, pipeline_of(data));
    run_.folder = folder.path().filename().string();
    run_.config_input = input_text;
    run_.config_resolved = resolved;
    const std::string facts = provenance(identity, data.set.sha256, data.set.origin, config_.train).dump(2) + "\n";
    run_.provenance = report::parse_provenance(facts, "provenance.json");
    folder.make_folder("checkpoints");
    folder.write("config.input.json", input_text);
    folder.write("config.resolved.json", resolved);
    folder.write("provenance.json", facts);
    describe_parts();
  }

  report::Summary execute(bool resume) {
    nn::Model model = model_of(config_, data_.set.sample());
    try {
      take_beginning(model);
      const std::int64_t epochs = train_model(model, resume);
      stage("testing in floats");
      const bool repaired = changes_weights(config_);
      nn::Outputs floats = evaluate_in(repaired ? report::kBeforeCalibration : "float", model, {.transform = false});
      if (config_.quantization) stage("choosing ranges of integers");
      const Calibrated calibrated = choose_ranges(config_, data_, model, epochs);
      run_.summary.repairs = calibrated.repairs;
      keep_model(model);
      if (repaired) floats = evaluate_in("float", model, {.transform = false});  // as eval will, of what is saved
      evaluate_model(model, std::move(floats), calibrated, epochs);
      run_.summary.status = "completed";
      folder_.write("report.html", report::render_report(run_));
      finish("completed");
    } catch (const core::Interrupted&) {
      finish("interrupted");
      throw core::Interrupted(interruption());
    } catch (const std::exception&) {  // out of memory, too
      note_failure();
      throw;
    }
    return run_.summary;
  }

 private:
  // A network that is not trained has no checkpoint to go on from.
  [[nodiscard]] std::string interruption() const {
    const std::string folder = folder_.path().string();
    if (config_.train.epochs == 0) {
      return fmt::format("interrupted; {} is not finished; the same command with --resume begins again", folder);
    }
    return fmt::format("interrupted; the checkpoint is in {}; the same command with --resume continues", folder);
  }

  void stage(std::string_view name) {
    if (watcher_ != nullptr) watcher_->on_stage(name);
  }

  void describe_parts() {
    report::Summary& summary = run_.summary;
    summary.name = config_.name;
    summary.data = {.requested = data_.requested,
                    .used = data_.used,
                    .fallback = data_.fallback,
                    .train = data_.set.train.size(),
                    .validation = data_.set.validation.size(),
                    .test = data_.set.test.size(),
                    .sha256 = data_.set.sha256};
    const nn::ModelFacts facts = nn::Model::planned(config_.model, data_.set.sample()).facts();
    summary.model.parameters = facts.parameters;
    summary.model.multiply_adds = facts.multiply_adds;
    summary.model.bytes["float32"] = facts.parameters * 4;
    summary.model.bytes["parameters"] = parameter_bytes(config_, data_.set.sample());
    summary.model.bits = mean_bits(config_, data_.set.sample());
  }

  void take_history(const nn::TrainingState& state) {
    run_.epochs.clear();
    std::string lines;
    report::TrainingFacts& training = run_.summary.training;
    training = {.epochs = state.epoch, .steps = state.step, .seconds = 0, .samples_per_second = 0};
    training.rounded = config_.quantization && config_.quantization->when == quant::When::kAware;
    for (const nn::EpochRecord& record : state.history) {
      run_.epochs.push_back(metrics_of(record));
      lines += report::metrics_line(run_.epochs.back());
      training.seconds += record.seconds;
    }
    const auto samples = static_cast<double>(data_.set.train.size() * state.epoch);
    training.samples_per_second = training.seconds > 0 ? samples / training.seconds : 0;
    folder_.write("metrics.jsonl", lines);
  }

  void take_beginning(nn::Model& model) const {
    if (!config_.train.initial) return;
    take_initial(*config_.train.initial, model);
    require_ranges(config_, model);
  }

  // Gives the epochs after which the weights were as they are now.
  std::int64_t train_model(nn::Model& model, bool resume) {
    TrainingProgress progress(config_.train.epochs);
    TrainingOptions options;
    options.checkpoints = folder_.file("checkpoints");
    options.resume = resume;
    options.metadata = metadata_;  // a checkpoint can be evaluated, too
    options.on_step = [&](const nn::StepReport& step) {
      if (watcher_ != nullptr) return watcher_->on_step(step, config_.train.epochs);
      progress.on_step(step);
    };
    options.on_epoch = [&](const nn::TrainingState& state) {
      if (watcher_ == nullptr) progress.on_epoch(state.history.back());
      take_history(state);
    };
    const nn::TrainingState state = train(config_, data_, model, options);
    take_history(state);
    if (!config_.train.early_stopping || state.best_epoch == 0) return state.epoch;
    say(fmt::format("{}epoch {} was the best on the validation set, its weights are kept",
                    state.stopped_early ? "stopped early; " : "", state.best_epoch));
    return state.best_epoch;
  }

  // Before the evaluation, so that what may fail there (a class the model never gets right) does not cost the model.
  void keep_model(const nn::Model& model) {
    save_model(folder_.file(kModelFile), model, metadata_);
    run_.summary.model.bytes["stored"] = static_cast<std::int64_t>(fs::file_size(folder_.file(kModelFile)));
  }

  // Of the set that was evaluated last, in formats that end before the values do.
  void note_overflows(nn::Model& model, const char* split, bool keep) {
    for (const quant::SiteOverflows& lost : quant::overflows(model)) {
      warn(fmt::format("{} on the {} set", overflow_text(lost), split));
      if (!keep) continue;
      run_.summary.overflows[lost.site] = lost.overflows.count;
      if (!run_.quantization) continue;
      const auto site = std::ranges::find(run_.quantization->sites, lost.site, &report::QuantizedSite::site);
      if (site == run_.quantization->sites.end()) continue;
      site->overflows = lost.overflows.count;
      site->passed = lost.overflows.of;
    }
  }

  // Its outputs for the test set, kept under the name of the arithmetic.
  nn::Outputs evaluate_in(const char* mode, nn::Model& model, const nn::ForwardContext& context) {
    const nn::Objective objective = objective_of(config_);
    auto& results = run_.summary.results[mode];
    const auto measured = [&](const data::Split& split, const char* name) {
      quant::forget_overflows(model);
      nn::Outputs outputs = outputs_of(model, split, data_.normalization, objective, context);
      note_overflows(model, name, &split == &data_.set.test);
      results[name] = scores_of(outputs);  // refuses outputs that are not finite
      return outputs;
    };
    if (data_.set.validation.size() > 0) validation_ = measured(data_.set.validation, "validation");
    return measured(data_.set.test, "test");
  }

  nn::Outputs evaluate_in(const char* mode, const nn::Forward& forward) {
    nn::Outputs test = outputs_of(forward, data_.set.test, data_.normalization, objective_of(config_));
    run_.summary.results[mode]["test"] = scores_of(test);
    return test;
  }

  // Integers: the exact form of the model, the program that is shipped, and the proof that they are one. A difference is an
  // error of this program, and ends the run after all that is known was written.
  nn::Outputs lower_model(nn::Model& model, report::Quantization& quantization) {
    stage("testing in integers");
    nn::Outputs test = evaluate_in("fake_quant", exact_forward(config_, model));
    const quant::Program program = program_of(config_, model, program_metadata(config_, metadata_));
    quant::save_program(folder_.file(kProgramFile), program);
    auto& bytes = run_.summary.model.bytes;
    bytes["program"] = static_cast<std::int64_t>(fs::file_size(folder_.file(kProgramFile)));
    bytes["stored"] = bytes["program"];
    bytes["parameters"] = parameter_bytes(program);  // batch norms are folded: other numbers than the model's
    static_cast<void>(evaluate_in("integer", engine_forward(program)));
    stage("proving the program bit by bit");
    const std::int64_t images = data_.set.test.size();
    const report::Proof proof = prove(config_, model, program, data_.set.test, data_.normalization, images);
    quantization.proof = run_.summary.verification = proof;
    say(proof_text(proof));
    if (config_.quantization->when == quant::When::kAware) warn_of_float_form(proof);
    if (proof.equal) return test;
    folder_.write("quantization.json", report::quantization_text(quantization));
    throw core::Error(proof_text(proof));
  }

  // There is no program: what is shipped is the model with its weights packed.
  void ship_packed(const nn::Model& model) {
    quant::save_packed(folder_.file(kPackedFile), model, metadata_);
    auto& bytes = run_.summary.model.bytes;
    bytes["packed"] = static_cast<std::int64_t>(fs::file_size(folder_.file(kPackedFile)));
    bytes["stored"] = bytes["packed"];
  }

  void evaluate_model(nn::Model& model, nn::Outputs test, const Calibrated& calibrated, std::int64_t epochs) {
    if (config_.quantization) {
      run_.quantization = quantization_of(config_, data_, model, calibrated.floats, epochs);
      test = config_.lower ? lower_model(model, *run_.quantization) : evaluate_in("fake_quant", model, {});
      const bool dynamic = config_.quantization->dynamic();
      if (dynamic || (!config_.lower && quant::packs_weights(model))) ship_packed(model);
      if (dynamic) static_cast<void>(evaluate_in("integer", dynamic_forward(model)));
      folder_.write("quantization.json", report::quantization_text(*run_.quantization));
    }
    run_.evaluation = evaluation_of(test, data_.set.test, data_.set.classes);
    run_.evaluation->mode = config_.quantization ? "fake_quant" : "float";
    folder_.write("evaluation.json", report::evaluation_text(*run_.evaluation));
    if (config_.wants(Analysis::kTemperature)) {
      run_.temperature = temperature_study(config_.temperature, test, data_.set.test, validation_);
      folder_.write("temperature.json", report::temperature_text(*run_.temperature));
    }
  }

  // On a full disk this fails, too; the first error is the one to be told.
  void note_failure() {
    try {
      finish("failed");
    } catch (const core::FileError& second) {
      warn(second.what());
    }
  }

  void finish(const std::string& status) {
    run_.summary.status = status;
    folder_.write(kSummary, report::summary_text(run_.summary));
  }

  const ExperimentConfig& config_;
  const data::LoadedData& data_;
  RunFolder& folder_;
  RunWatcher* watcher_;
  std::map<std::string, std::string> metadata_;  // of the model and its checkpoints
  nn::Outputs validation_;                       // of the arithmetic evaluated last
  report::RunData run_;
};

report::Summary summary_in(const RunFolder& folder) {
  const std::string file = folder.file(kSummary).string();
  report::Summary summary = report::parse_summary(read_text(file), file);
  const auto mode = summary.results.find("float");
  if (mode == summary.results.end() || !mode->second.contains("test")) {
    throw core::DataError(file, "is damaged: the run is completed, but /results/float/test is missing");
  }
  return summary;
}

// What later commands need of a finished run.
std::vector<const char*> models_of(const ExperimentConfig& config) {
  std::vector<const char*> models{kModelFile};
  if (config.quantization && config.lower) models.push_back(kProgramFile);
  if (config.quantization && config.quantization->dynamic()) models.push_back(kPackedFile);
  return models;
}

// A study needs no more than the scores, for which nobody should have to train again.
void check_models(const RunFolder& folder, const ExperimentConfig& config, bool only_scores) {
  for (const char* name : models_of(config)) {
    if (!fs::exists(folder.file(name)) && only_scores) {
      warn(fmt::format("{} is missing, though this run finished; its scores are taken", folder.file(name).string()));
      continue;
    }
    folder.require(name);
    static_cast<void>(nn::SafetensorsReader(folder.file(name)));  // a damaged file is better found now
  }
}

}  // namespace

RunResult run_experiment(const LoadedConfig<ExperimentConfig>& loaded, const std::string& input_text,
                         const RunOptions& options) {
  const ExperimentConfig& config = loaded.config;
  std::vector<core::ConfigIssue> misfits;
  const data::LoadedData data = load_located(loaded, misfits);
  const std::optional<Arithmetic> arithmetic = check_experiment(loaded, data, std::move(misfits));
  // Other initial weights are another run, whatever their path.
  const std::string initial = config.train.initial ? "/" + initial_sha256(*config.train.initial) : "";
  const std::string identity = content_hash(loaded.resolved, data.set.sha256 + initial, kFormatVersion);
  RunFolder folder(options.out.value_or(options.root / hashed_name(config.name, identity)), identity);
  if (folder.state() == FolderState::kFinished) {
    check_models(folder, config, options.only_scores);
    say(folder.finished_text());
    return {.folder = folder.path(), .summary = summary_in(folder), .was_finished = true};
  }
  folder.check_start(options.resume);
  announce(config, data, arithmetic, folder.path());
  Run run(loaded, input_text, data, folder, identity, options.watcher);
  return {.folder = folder.path(), .summary = run.execute(folder.state() == FolderState::kStarted)};
}

}  // namespace tempera::cli
