// Reliability diagrams and the calibration error read from them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tempera/core/errors.hpp"
#include "tempera/nn/metrics.hpp"
#include "tempera/nn/softmax_rows.hpp"

namespace tempera::nn {
namespace {

struct Judged {
  double confidence = 0;  // probability of the predicted class
  bool correct = false;
};

std::vector<Judged> judge(const core::Tensor& logits, Labels labels, double temperature) {
  check_labels(logits, labels);
  std::vector<Judged> judged;
  judged.reserve(labels.size());
  for_each_log_softmax(logits, temperature, [&](std::int64_t row, std::span<const double> log_p) {
    const auto best = std::ranges::max_element(log_p) - log_p.begin();
    const double confidence = std::exp(log_p[static_cast<std::size_t>(best)]);
    if (std::isnan(confidence)) {  // it belongs to no bin
      throw core::NumericError("logits", -1, fmt::format("those of sample {} are not finite", row));
    }
    judged.push_back({confidence, best == labels[static_cast<std::size_t>(row)]});
  });
  return judged;
}

void add(ReliabilityBin& bin, const Judged& sample) {
  ++bin.count;
  bin.confidence += sample.confidence;
  bin.accuracy += sample.correct ? 1 : 0;
}

std::vector<ReliabilityBin> equal_width(const std::vector<Judged>& judged, int count) {
  std::vector<ReliabilityBin> bins(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    bins[static_cast<std::size_t>(i)].low = static_cast<double>(i) / count;
    bins[static_cast<std::size_t>(i)].high = static_cast<double>(i + 1) / count;
  }
  for (const Judged& sample : judged) {
    const int index = static_cast<int>(std::ceil(sample.confidence * count)) - 1;
    add(bins[static_cast<std::size_t>(std::clamp(index, 0, count - 1))], sample);
  }
  return bins;
}

std::vector<ReliabilityBin> equal_mass(std::vector<Judged> judged, int count) {
  std::ranges::stable_sort(judged, {}, &Judged::confidence);
  std::vector<ReliabilityBin> bins(static_cast<std::size_t>(count));
  const std::size_t size = judged.size() / bins.size();
  const std::size_t larger = judged.size() % bins.size();  // the first bins take one more, as numpy.array_split does
  std::size_t next = 0;
  for (std::size_t i = 0; i < bins.size(); ++i) {
    const std::size_t end = next + size + (i < larger ? 1 : 0);
    if (end > next) {
      bins[i].low = judged[next].confidence;
      bins[i].high = judged[end - 1].confidence;
    }
    for (; next < end; ++next) add(bins[i], judged[next]);
  }
  return bins;
}

}  // namespace

std::vector<ReliabilityBin> reliability(const core::Tensor& logits, Labels labels, Binning binning, int bins,
                                        double temperature) {
  if (bins < 1) throw core::ConfigError(fmt::format("calibration needs at least one bin, received {}", bins));
  std::vector<Judged> judged = judge(logits, labels, temperature);
  std::vector<ReliabilityBin> result =
      binning == Binning::kEqualWidth ? equal_width(judged, bins) : equal_mass(std::move(judged), bins);
  for (ReliabilityBin& bin : result) {
    if (bin.count == 0) continue;
    bin.confidence /= static_cast<double>(bin.count);
    bin.accuracy /= static_cast<double>(bin.count);
  }
  return result;
}

double expected_calibration_error(std::span<const ReliabilityBin> bins) {
  double weighted = 0;
  std::int64_t n = 0;
  for (const ReliabilityBin& bin : bins) {
    weighted += static_cast<double>(bin.count) * std::abs(bin.accuracy - bin.confidence);
    n += bin.count;
  }
  return n == 0 ? 0 : weighted / static_cast<double>(n);
}

}  // namespace tempera::nn
