// What a report is made of: the contents of a run folder as plain structs. The program writes its files with the
// functions of this header and reads them back with the same, so writer and reader cannot drift apart.
// A number that is not known (never measured, null in the file) is NaN.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tempera/apps/report/quantized_site.hpp"

namespace tempera::cli::report {

inline constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

/// The mode, in floats too, of weights that calibration was yet to equalize, to round or to correct the biases of.
inline constexpr const char* kBeforeCalibration = "before_calibration";
/// All modes, as they come about.
inline constexpr const char* kModes[] = {kBeforeCalibration, "float", "fake_quant", "integer"};

/// A grey picture, 0 = background, 255 = ink, row by row. Without pixels: not recorded.
struct Picture {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::vector<std::uint8_t> pixels;
};

// ---- summary.json -------------------------------------------------------------------------------------------------

struct DataFacts {
  std::string requested;                             ///< the name in the config
  std::string used;                                  ///< the set that was there
  bool fallback = false;                             ///< used is not what was requested
  std::int64_t train = 0, validation = 0, test = 0;  ///< samples
  std::string sha256;
};

struct ModelFacts {
  std::int64_t parameters = 0;
  std::int64_t multiply_adds = 0;  ///< for one sample
  std::map<std::string, std::int64_t>
      bytes;  ///< parameters alone: "float32", "parameters" (in their bits); files: "stored", …
  std::map<std::string, double> bits;  ///< mean over all "weights", and over the "activations" that have some
};

/// Measured on one split in one numeric mode.
struct Scores {
  std::int64_t n = 0;
  std::int64_t errors = 0;
  double accuracy = kUnknown;  ///< in [0, 1]
  double loss = kUnknown;
  double nll = kUnknown;  ///< nats
  double ece = kUnknown;  ///< 15 equal-width bins
};

struct TrainingFacts {
  std::int64_t epochs = 0;
  std::int64_t steps = 0;
  double seconds = kUnknown;
  double samples_per_second = kUnknown;
  bool rounded = false;  ///< quantizers acted while training: the weights in floats are no network that was trained
};

struct Summary {
  std::string name;
  std::string status;  ///< "completed", "interrupted", "failed", "running"
  DataFacts data;
  ModelFacts model;
  /// By mode ("float", "fake_quant", "integer"), then by split ("test", "validation"). Where calibration changed the weights,
  /// "float" is of those that are saved, and kBeforeCalibration of those that came.
  std::map<std::string, std::map<std::string, Scores>> results;
  TrainingFacts training;
  Proof verification;                             ///< where the network was lowered
  Repairs repairs;                                ///< of weights, by calibration
  std::map<std::string, std::int64_t> overflows;  ///< by site: values of the test set that a format could not hold
};

// ---- metrics.jsonl ------------------------------------------------------------------------------------------------

struct SplitMetrics {
  double loss = kUnknown;
  double accuracy = kUnknown;  ///< in [0, 1]
};

/// One line of the file.
struct EpochMetrics {
  std::int64_t epoch = 0;  ///< from 1
  std::int64_t step = 0;   ///< optimizer steps taken so far
  SplitMetrics train;
  SplitMetrics validation;
  double learning_rate = kUnknown;
  double seconds = kUnknown;  ///< of this epoch
  double samples_per_second = kUnknown;
  std::map<std::string, double> extra;  ///< whatever else a part of the program measures each epoch
};

// ---- evaluation.json ----------------------------------------------------------------------------------------------

/// A wrongly classified sample.
struct WrongSample {
  std::int64_t index = 0;  ///< in the split
  std::int64_t label = 0;
  std::int64_t predicted = 0;
  double probability = kUnknown;        ///< given to the predicted class
  double label_probability = kUnknown;  ///< given to the true class
  Picture picture;
};

struct CalibrationBin {
  double lower = 0, upper = 0;  ///< confidence p belongs to the bin with lower < p ≤ upper
  std::int64_t count = 0;
  double confidence = kUnknown;  ///< mean in the bin
  double accuracy = kUnknown;    ///< in the bin
};

struct Evaluation {
  std::string split = "test";
  std::string mode = "float";
  std::vector<std::string> classes;                  ///< names; empty: the class numbers
  std::vector<std::vector<std::int64_t>> confusion;  ///< [true][predicted]
  std::vector<CalibrationBin> calibration;
  std::vector<WrongSample> worst;  ///< most wrong first
};

// ---- temperature.json ---------------------------------------------------------------------------------------------

/// logit(σ(z)) = z, computed by the program.
struct LogitIdentity {
  double logit = kUnknown;      ///< z
  double sigmoid = kUnknown;    ///< σ(z)
  double recovered = kUnknown;  ///< log(σ/(1−σ))
};

/// softmax over two classes = σ of the difference, computed by the program.
struct PairIdentity {
  std::int64_t a = 0, b = 0;
  double logit_a = kUnknown, logit_b = kUnknown;
  double softmax = kUnknown;  ///< of a among {a, b}
  double sigmoid = kUnknown;  ///< σ(logit_a − logit_b)
};

struct DarkKnowledge {
  double temperature = 1;
  std::vector<std::vector<double>> matrix;  ///< [i][j]: mean softened probability of class j for images of class i
};

struct TemperatureStudy {
  std::int64_t sample_index = 0;
  std::int64_t sample_label = 0;
  Picture picture;
  std::vector<double> logits;                      ///< [classes]
  std::vector<double> temperatures;                ///< [T], rising
  std::vector<std::vector<double>> probabilities;  ///< [T][classes]
  std::vector<double> entropy, nll, ece;           ///< [T], means over the test set; entropy and nll in nats
  double best_temperature = kUnknown;              ///< minimises the NLL on the validation set
  std::vector<DarkKnowledge> dark_knowledge;       ///< at T = 1, 4, 20
  std::vector<LogitIdentity> logit_identities;
  std::vector<PairIdentity> pair_identities;
};

// ---- all together -------------------------------------------------------------------------------------------------

struct RunData {
  std::string folder;  ///< last component of its path
  Summary summary;
  std::vector<EpochMetrics> epochs;
  std::optional<Evaluation> evaluation;
  std::optional<TemperatureStudy> temperature;
  std::optional<Quantization> quantization;
  std::string config_input;                                     ///< as the user wrote it
  std::string config_resolved;                                  ///< with every default
  std::vector<std::pair<std::string, std::string>> provenance;  ///< flattened: "processor.name" → "…"
};

/// The arithmetic that the run was made for: the last of float, fake_quant and integer that has results on the test set.
[[nodiscard]] std::string shipped_mode(const Summary& summary);
/// Calibration changed the weights.
[[nodiscard]] inline bool calibrated(const Summary& summary) { return summary.results.contains(kBeforeCalibration); }
/// Which weights are meant by the mode "float".
enum class FloatWeights {
  kTrained,      ///< as they were trained, in floats
  kCalibrated,   ///< as calibration changed them
  kRoundingOff,  ///< trained rounded, with the rounding switched off
  kMixed,        ///< of several runs, some trained rounded and some in floats
};
[[nodiscard]] FloatWeights float_weights(const Summary& summary);
/// What pages and tables call such a mode: "floats, as trained", "floats, as calibrated", "floats, rounding off", "floats", "fake
/// quantization", "integers".
[[nodiscard]] std::string mode_name(std::string_view mode, FloatWeights weights);
/// A sentence that says what "rounding off" means.
inline constexpr const char* kRoundingOffNote =
    "\"Floats, rounding off\" are the weights of a run that was trained rounded, with the rounding switched off: "
    "nothing was trained in floats to the end.";
/// What the accuracy in floats less that of the run's own arithmetic is called; `rounded`: runs trained rounded are among them.
[[nodiscard]] inline const char* lost_name(bool rounded) { return rounded ? "lost by rounding" : "lost to float"; }
/// Name of class `index`: from the evaluation where it has names, else the number.
[[nodiscard]] std::string class_name(const RunData& run, std::size_t index);
/// True where classes have names that are not just their numbers.
[[nodiscard]] bool has_class_names(const RunData& run);

}  // namespace tempera::cli::report
