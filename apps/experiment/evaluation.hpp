// What a model says about a split, measured once and used by summaries, reports and comparisons.
#pragma once

#include <cstdint>
#include <vector>

#include "tempera/apps/report/run_data.hpp"
#include "tempera/datasets/dataset.hpp"
#include "tempera/datasets/normalization.hpp"
#include "tempera/nn/evaluate.hpp"
#include "tempera/nn/model.hpp"

namespace tempera::cli {

/// The model's outputs for every sample of a split, in its order. Throws Interrupted on Ctrl-C, ShapeError if it does not
/// fit.
[[nodiscard]] nn::Outputs outputs_of(nn::Model& model, const data::Split& split,
                                     const data::Normalization& normalization, const nn::Objective& objective = {},
                                     const nn::ForwardContext& context = {});

/// The same for a network that is no model: a program of integers, a model's exact form.
[[nodiscard]] nn::Outputs outputs_of(const nn::Forward& forward, const data::Split& split,
                                     const data::Normalization& normalization, const nn::Objective& objective = {});

/// Errors, accuracy, likelihood and calibration; `loss` is the objective's mean as the outputs have it.
[[nodiscard]] report::Scores scores_of(const nn::Outputs& outputs);

/// Confusion, reliability diagram and the most confident mistakes, for evaluation.json.
[[nodiscard]] report::Evaluation evaluation_of(const nn::Outputs& outputs, const data::Split& split,
                                               const std::vector<std::string>& classes);

/// The first channel of a sample as a grey picture.
[[nodiscard]] report::Picture picture_of(const data::Split& split, std::int64_t index);

}  // namespace tempera::cli
