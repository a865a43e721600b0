// The charts of a quantizer, shared by the section and by the standalone picture.
#pragma once

#include <cstddef>
#include <string>

#include "tempera/apps/report/quantized_site.hpp"

namespace tempera::cli::report::sections {

inline constexpr double kValuesHeight = 200, kDerivativeHeight = 116;  ///< user units, at the width of a Sheet

/// What the quantizer makes of its argument; and what is shipped of it, where training has a soft form. `number` is one of
/// its own in the document.
[[nodiscard]] std::string staircase_values(const QuantizedSite& site, std::size_t number);

/// The derivative that training takes in its place, over the same arguments: with an axis of its own, as it has no unit.
[[nodiscard]] std::string staircase_derivative(const QuantizedSite& site, std::size_t number);

/// "lsq, 4 bit, signed, per_tensor"; runs of earlier versions do not say which quantizer it is.
[[nodiscard]] std::string quantizer_text(const QuantizedSite& site);

/// The site, and the channel whose staircase it is where channels have scales of their own: "fc1.weight, channel 7".
[[nodiscard]] std::string staircase_name(const QuantizedSite& site);

/// The site has a staircase: a scale for all or for each channel, and values that were seen.
[[nodiscard]] inline bool has_staircase(const QuantizedSite& site) { return !site.argument.empty(); }

}  // namespace tempera::cli::report::sections
