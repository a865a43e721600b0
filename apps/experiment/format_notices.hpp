// What the number formats of a quantized model bring on a processor: speed, or only smaller files.
#pragma once

#include <string>
#include <vector>

#include "tempera/apps/hardware.hpp"
#include "tempera/core/precision.hpp"
#include "tempera/quant/attach.hpp"

namespace tempera::cli {

/// A sentence for every kind of format among the planned sites: whether this processor computes it natively, and a warning
/// where it brings no speed, or less than one might expect. `lowered`: the model is shipped as integers, so that their speed counts.
[[nodiscard]] std::vector<std::string> format_notices(const std::vector<quant::SitePlan>& plan,
                                                      const Hardware& hardware, bool lowered);

/// One line for every run, whatever it computes: which formats this processor executes natively and which are emulated.
[[nodiscard]] std::string formats_line(const Hardware& hardware);

/// The same for the precision of training: nothing to say about float32.
[[nodiscard]] std::vector<std::string> precision_notices(core::Precision precision, const Hardware& hardware);

}  // namespace tempera::cli
