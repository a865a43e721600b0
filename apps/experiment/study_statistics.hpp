// What the runs of a study say together: means with intervals, and paired differences.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "tempera/apps/experiment/statistics.hpp"

namespace tempera::cli {

/// From a study.json: {"cells": […], "differences": […]}. A cell is one setting of everything that varies but "pair_by":
/// "accuracy", "errors" and "nll" of the test set for each arithmetic its runs had ("float", "fake_quant", "integer"), and
/// "bytes" and "bits" by kind: n, mean, deviation and 95 % t-interval (null for a single run). A difference compares two values of
/// one path, all else equal, over the runs that share the paired value: mean of (second − first) with its interval, of each
/// metric in the arithmetic the run was made for, and of "lost_to_float" where runs are quantized: the accuracy in floats, before
/// calibration changed weights, less that of the run's arithmetic. "rounded" cells are of runs that were trained rounded. Of a path
/// with more than four values each is compared with the first only. Runs that are not completed are left out.
[[nodiscard]] nlohmann::ordered_json study_statistics(const nlohmann::ordered_json& study);

}  // namespace tempera::cli
