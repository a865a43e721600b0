// The field "bits" of every quantizer that has one: its range, and where 1 bit is sent.
#pragma once

#include <cstdint>
#include <string_view>

#include "tempera/core/fields.hpp"
#include "tempera/quant/qparams.hpp"

namespace tempera::quant {

/// Visits "bits", which must be from 2 to `most`: fewer are refused with what there is instead (kInsteadOfSigns).
inline void bits_field(core::FieldVisitor& v, std::int64_t& bits, std::string_view help = "bits of the integers",
                       double most = 16) {
  v.field("bits", bits, {.help = help, .unit = "bits", .min = 2, .max = most, .too_small = kInsteadOfSigns});
}

}  // namespace tempera::quant
