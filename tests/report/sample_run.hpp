// A made-up run with everything a report can show, and runs that lack or spoil some of it. All numbers are closed forms.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "tempera/apps/report/run_data.hpp"

namespace tempera::test {

namespace report = tempera::cli::report;

/// Distance of (x, y) from the segment a–b.
inline double distance(double x, double y, std::array<double, 2> a, std::array<double, 2> b) {
  const double dx = b[0] - a[0];
  const double dy = b[1] - a[1];
  const double t = std::clamp(((x - a[0]) * dx + (y - a[1]) * dy) / (dx * dx + dy * dy), 0.0, 1.0);
  return std::hypot(x - a[0] - t * dx, y - a[1] - t * dy);
}

/// 28 × 28: a seven of two strokes, its foot moved by `lean` pixels.
inline report::Picture seven(double lean = 0) {
  report::Picture out{28, 28, {}};
  for (int y = 0; y < 28; ++y) {
    for (int x = 0; x < 28; ++x) {
      const double near = std::min(distance(x, y, {7, 7}, {20, 7}), distance(x, y, {20, 7}, {12 + lean, 22}));
      out.pixels.push_back(static_cast<std::uint8_t>(255 * std::clamp(2.2 - near, 0.0, 1.0)));
    }
  }
  return out;
}

inline std::vector<double> softmax(const std::vector<double>& logits, double temperature) {
  std::vector<double> out;
  double sum = 0;
  const double top = *std::max_element(logits.begin(), logits.end());
  for (const double z : logits) sum += out.emplace_back(std::exp((z - top) / temperature));
  for (double& p : out) p /= sum;
  return out;
}

inline report::TemperatureStudy sample_study() {
  report::TemperatureStudy out;
  out.sample_label = 7;
  out.picture = seven();
  out.logits = {-2.1, -6.4, 3.2, 6.9, -9.3, -1.8, -14.2, 15.6, -0.4, 5.1};
  for (int t = 1; t <= 50; ++t) {
    out.temperatures.push_back(t);
    out.probabilities.push_back(softmax(out.logits, t));
    out.entropy.push_back(std::log(10.0) * (1 - std::exp(-t / 6.0)) + 0.04);
    out.nll.push_back(0.075 + 0.5 * std::pow(std::log(t / 1.4), 2) / (1 + 0.2 * t / 4.0));
    out.ece.push_back(0.8 * (1 - std::exp(-std::pow(std::log(t / 1.4), 2))));
  }
  out.best_temperature = 1.4;
  for (const double t : {1.0, 4.0, 20.0}) {
    report::DarkKnowledge& entry = out.dark_knowledge.emplace_back(report::DarkKnowledge{t, {}});
    for (int i = 0; i < 10; ++i) {
      std::vector<double> z;
      for (int j = 0; j < 10; ++j)
        z.push_back(i == j ? 14 : 4 * std::cos(1.7 * (i + 1) * (j + 1)) + 3 * std::cos(0.9 * (i + j)));
      entry.matrix.push_back(softmax(z, t));
    }
  }
  for (const double z : out.logits) {
    const double s = 1 / (1 + std::exp(-z));
    out.logit_identities.push_back({z, s, std::log(s / (1 - s))});
  }
  for (const auto& [a, b] : std::vector<std::pair<int, int>>{{7, 3}, {7, 9}, {3, 2}}) {
    const std::vector<double> two{out.logits[static_cast<std::size_t>(a)], out.logits[static_cast<std::size_t>(b)]};
    out.pair_identities.push_back({a, b, two[0], two[1], softmax(two, 1)[0], 1 / (1 + std::exp(two[1] - two[0]))});
  }
  return out;
}

inline report::Evaluation sample_evaluation() {
  report::Evaluation out;
  for (int i = 0; i < 10; ++i) {
    std::vector<std::int64_t> row;
    for (int j = 0; j < 10; ++j) row.push_back(i == j ? 980 - 7 * i : std::max(0, (i * 7 + j * 5) % 13 - 6));
    out.confusion.push_back(row);
  }
  for (int i = 0; i < 15; ++i) {
    const double lower = i / 15.0;
    const std::int64_t count = i < 3 ? 0 : i == 14 ? 9400 : 12 + 6 * i;
    const double middle = lower + 1 / 30.0;
    out.calibration.push_back({lower, (i + 1) / 15.0, count, count > 0 ? middle : report::kUnknown,
                               count > 0 ? middle - 0.12 * (1 - middle) : report::kUnknown});
  }
  for (int i = 0; i < 24; ++i) {
    out.worst.push_back(
        {100 + 37 * i, 7, i % 3 == 0 ? 1 : 9, 0.9999 - 0.004 * i, 0.0001 + 0.002 * i, seven(i % 7 - 3)});
  }
  return out;
}

inline std::vector<report::EpochMetrics> sample_epochs(int count) {
  std::vector<report::EpochMetrics> out;
  for (int i = 0; i < count; ++i) {
    report::EpochMetrics& epoch = out.emplace_back();
    epoch.epoch = i + 1;
    epoch.step = 860 * (i + 1);
    epoch.train = {0.42 * std::exp(-0.5 * i) + 0.01, 1 - 0.11 * std::exp(-0.55 * i)};
    epoch.validation = {0.30 * std::exp(-0.4 * i) + 0.07, 1 - 0.085 * std::exp(-0.45 * i) - 0.017};
    epoch.learning_rate = 0.05 * (1 + std::cos(3.14159265358979 * i / count)) / 2;
    epoch.seconds = 0.4;
    epoch.samples_per_second = 137500;
  }
  return out;
}

inline report::RunData sample_run() {
  report::RunData out;
  out.folder = "mnist-temperature-1a2b3c4d";
  out.summary.name = "mnist-temperature";
  out.summary.status = "completed";
  out.summary.data = {"mnist", "mnist", false, 55000, 5000, 10000, std::string(64, 'a')};
  out.summary.model = {101770, 101632, {{"float32", 407080}, {"stored", 407080}}};
  out.summary.results["float"]["test"] = {10000, 184, 0.9816, 0.0612, 0.0612, 0.0043};
  out.summary.results["float"]["validation"] = {5000, 96, 0.9808, 0.0655, 0.0655, 0.0051};
  out.summary.training = {10, 8600, 4.1, 137500};
  out.epochs = sample_epochs(10);
  out.evaluation = sample_evaluation();
  out.temperature = sample_study();
  out.config_input = "{\n  \"extends\": \"mnist-mlp.json\",\n  \"analyses\": [\"temperature\"]\n}\n";
  out.config_resolved =
      "{\n  \"name\": \"mnist-temperature\",\n  \"seed\": 1,\n  \"data\": {\"name\": \"mnist\", \"normalize\": "
      "\"mean_std\", \"validation\": 5000, \"fallback\": \"fashion_mnist\", \"augment\": []}\n}\n";
  out.provenance = {{"version", "0.1.0"},
                    {"git", "0123456789abcdef0123456789abcdef01234567"},
                    {"compiler", "GNU 12.2.0"},
                    {"processor.name", "A processor with quite a long name, 2 cores at 2.60 GHz"},
                    {"threads", "2"}};
  return out;
}

inline constexpr const char* kHostile = "</script><script>alert(1)</script><img src=x onerror=\"alert('2')\">&amp;";

/// Names, texts and class names that would be markup if they were not escaped; the fallback data set with class names.
inline report::RunData hostile_run() {
  report::RunData out = sample_run();
  out.summary.name = kHostile;
  out.summary.status = kHostile;
  out.summary.data.requested = out.summary.data.used = kHostile;
  out.summary.data.fallback = true;
  out.config_input = out.config_resolved = kHostile;
  out.provenance.emplace_back(kHostile, kHostile);
  out.evaluation->split = out.evaluation->mode = kHostile;
  out.evaluation->classes.assign(10, kHostile);
  for (auto& epoch : out.epochs) epoch.extra[kHostile] = 1;
  out.summary.results[kHostile][kHostile] = {};
  return out;
}

inline report::RunData fashion_run() {
  report::RunData out = sample_run();
  out.summary.name = "fashion-lenet";
  out.summary.data.used = "fashion_mnist";
  out.summary.data.fallback = true;
  out.evaluation->classes = {"T-shirt", "Trouser", "Pullover", "Dress", "Coat",
                             "Sandal",  "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
  return out;
}

/// A quantizer of each kind of staircase that there is to draw: straight through, with a soft form beside the one that is shipped,
/// and a weight whose channels have scales of their own, which has none.
inline report::RunData quantized_run() {
  report::RunData out = sample_run();
  out.summary.name = "mnist-w2a2";
  report::QuantizedSite hard{
      .site = "act1.output", .kind = "activation", .quantizer = "uniform", .grid = "2 bit, unsigned"};
  hard.bits = 2, hard.high = 3;
  hard.before = {4, 3, 2, 1}, hard.after = {5, 2, 2, 1};
  report::QuantizedSite soft = hard, channels = hard;
  soft.site = "act2.output", soft.quantizer = "smoothed_sigmoid";
  channels.site = "fc1.weight", channels.kind = "weight", channels.quantizer = "lsq";
  for (int i = 0; i <= 100; ++i) {
    const double x = 0.05 * i - 1;  // from −1 to 4
    const double step = std::clamp(std::floor(x + 0.5), 0.0, 3.0);
    for (report::QuantizedSite* site : {&hard, &soft}) site->argument.push_back(x);
    hard.value.push_back(step);
    hard.derivative.push_back(x >= -0.5 && x < 3.5 ? 1 : 0);
    soft.hard.push_back(step);
    double& value = soft.value.emplace_back(0);
    double& slope = soft.derivative.emplace_back(0);
    for (const double b : {0.5, 1.5, 2.5}) {
      const double sigmoid = 1 / (1 + std::exp(-8 * (x - b)));
      value += sigmoid;
      slope += 8 * sigmoid * (1 - sigmoid);
    }
  }
  out.quantization = report::Quantization{.sites = {hard, soft, channels}, .proof = {}};
  return out;
}

/// Every number unknown, every list as short as it may get.
inline report::RunData broken_run() {
  const double nan = report::kUnknown;
  report::RunData out;
  out.summary.name = "broken";
  out.summary.status = "failed";
  out.summary.results["float"]["test"] = {};
  out.epochs.resize(1);
  out.epochs[0] = {1, 0, {nan, nan}, {nan, 0.5}, std::numeric_limits<double>::infinity(), nan, nan, {{"nan", nan}}};
  out.evaluation.emplace();
  out.evaluation->confusion = {{0}};
  out.evaluation->calibration = {{0, 1, 0, nan, nan}};
  out.evaluation->worst.resize(1);
  out.temperature.emplace();
  out.temperature->logits = {nan};
  out.temperature->temperatures = {1};
  out.temperature->probabilities = {{nan}};
  out.temperature->entropy = out.temperature->nll = out.temperature->ece = {nan};
  out.temperature->dark_knowledge = {{1, {{nan}}}, {4, {}}};
  out.temperature->logit_identities.resize(1);
  out.temperature->pair_identities.resize(1);
  return out;
}

}  // namespace tempera::test
