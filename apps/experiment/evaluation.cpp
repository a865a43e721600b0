#include "tempera/apps/experiment/evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "tempera/apps/interrupt.hpp"
#include "tempera/datasets/loader.hpp"
#include "tempera/nn/metrics.hpp"
#include "tempera/nn/softmax_rows.hpp"
#include "tempera/nn/temperature.hpp"

namespace tempera::cli {
namespace {

constexpr std::size_t kWorstShown = 30;
constexpr std::int64_t kEvaluationBatch = 256;

std::vector<std::vector<std::int64_t>> rows_of(const nn::ConfusionMatrix& matrix) {
  std::vector<std::vector<std::int64_t>> rows;
  for (std::int64_t i = 0; i < matrix.classes; ++i) {
    const auto begin = matrix.counts.begin() + i * matrix.classes;
    rows.emplace_back(begin, begin + matrix.classes);
  }
  return rows;
}

std::vector<report::WrongSample> wrong_samples(const nn::Outputs& outputs) {
  const std::vector<std::int32_t> predicted = nn::predictions(outputs.logits);
  std::vector<report::WrongSample> wrong;
  for (std::size_t i = 0; i < predicted.size(); ++i) {
    if (predicted[i] == outputs.labels[i]) continue;
    const std::vector<double> p = nn::softmax_at(nn::row_of(outputs.logits, static_cast<std::int64_t>(i)), 1);
    wrong.push_back({.index = static_cast<std::int64_t>(i),
                     .label = outputs.labels[i],
                     .predicted = predicted[i],
                     .probability = p[static_cast<std::size_t>(predicted[i])],
                     .label_probability = p[static_cast<std::size_t>(outputs.labels[i])]});
  }
  std::ranges::stable_sort(wrong, std::greater{}, &report::WrongSample::probability);
  return wrong;
}

}  // namespace

nn::Outputs outputs_of(nn::Model& model, const data::Split& split, const data::Normalization& normalization,
                       const nn::Objective& objective, const nn::ForwardContext& context) {
  data::Loader loader(split, normalization, kEvaluationBatch);
  return nn::evaluate(model, loader, objective, &interrupt_requested(), context);
}

nn::Outputs outputs_of(const nn::Forward& forward, const data::Split& split, const data::Normalization& normalization,
                       const nn::Objective& objective) {
  data::Loader loader(split, normalization, kEvaluationBatch);
  return nn::evaluate(forward, loader, objective, &interrupt_requested());
}

report::Scores scores_of(const nn::Outputs& outputs) {
  const nn::ClassificationMetrics metrics = nn::classification_metrics(outputs.logits, outputs.labels);
  return {.n = metrics.n,
          .errors = metrics.errors,
          .accuracy = metrics.accuracy,
          .loss = outputs.loss,
          .nll = metrics.nll,
          .ece = metrics.ece};
}

report::Picture picture_of(const data::Split& split, std::int64_t index) {
  const core::Tensor image = split.image(index);
  report::Picture picture{.height = image.dim(1), .width = image.dim(2), .pixels = {}};
  const std::span<const Scalar> grey = image.values().first(static_cast<std::size_t>(picture.height * picture.width));
  for (const Scalar value : grey) {
    picture.pixels.push_back(static_cast<std::uint8_t>(std::lround(std::clamp<double>(value, 0, 1) * 255)));
  }
  return picture;
}

report::Evaluation evaluation_of(const nn::Outputs& outputs, const data::Split& split,
                                 const std::vector<std::string>& classes) {
  report::Evaluation evaluation;
  evaluation.classes = classes;
  evaluation.confusion = rows_of(nn::confusion_matrix(outputs.logits, outputs.labels));
  for (const nn::ReliabilityBin& bin : nn::reliability(outputs.logits, outputs.labels)) {
    evaluation.calibration.push_back({.lower = bin.low,
                                      .upper = bin.high,
                                      .count = bin.count,
                                      .confidence = bin.count > 0 ? bin.confidence : report::kUnknown,
                                      .accuracy = bin.count > 0 ? bin.accuracy : report::kUnknown});
  }
  evaluation.worst = wrong_samples(outputs);
  if (evaluation.worst.size() > kWorstShown) evaluation.worst.resize(kWorstShown);
  for (report::WrongSample& sample : evaluation.worst) sample.picture = picture_of(split, sample.index);
  return evaluation;
}

}  // namespace tempera::cli
