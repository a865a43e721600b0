// The grid of a case in a golden file.
#pragma once

#include <nlohmann/json.hpp>

#include "tempera/quant/qparams.hpp"

namespace tempera::quant_test {

/// Of "bits", "low", "high", "group", "scale" [slots], "zero_point" [slots] and "kind": tensor, channel or group.
inline quant::QParams golden_grid(const nlohmann::json& c) {
  quant::QParams p{.bits = c["bits"],
                   .is_signed = c["low"] < 0,
                   .qmin = c["low"],
                   .qmax = c["high"],
                   .group = c["group"],
                   .scale = c["scale"],
                   .zero_point = c["zero_point"]};
  if (c["kind"] == "channel") p.granularity = quant::Granularity::kChannel;
  if (c["kind"] == "group") p.granularity = quant::Granularity::kGroup;
  return p;
}

}  // namespace tempera::quant_test
