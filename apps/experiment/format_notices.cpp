#include "tempera/apps/experiment/format_notices.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace tempera::cli {
namespace {

const FormatSupport& support_of(const Hardware& hardware, const std::string& format) {
  const auto found = std::ranges::find(hardware.formats, format, &FormatSupport::format);
  static const FormatSupport kUnknown{};
  return found == hardware.formats.end() ? kUnknown : *found;
}

bool is_float(const quant::SitePlan& site) { return site.quantizer == "float16" || site.quantizer == "bfloat16"; }

std::string bits_text(const std::set<int>& bits) { return fmt::format("{}", fmt::join(bits, ", ")); }

// What of formats there is among the planned sites.
struct Met {
  std::set<std::string> floats, float_weights;
  std::set<int> few_bits, many_bits;
  bool integers = false;  // are multiplied: dynamic sites are without being lowered
  bool eight_bits = false, dynamic_images = false;
  bool packed = false;  // weights, in packed.safetensors
};

// The input's default is there for programs of integers; where all rules are of half floats there will be none.
bool has_integers(const std::vector<quant::SitePlan>& plan) {
  return std::ranges::any_of(plan, [](const quant::SitePlan& site) {
    return !site.quantizer.empty() && !is_float(site) && site.rule != quant::kDefaultRule;
  });
}

Met met_in(const std::vector<quant::SitePlan>& plan, bool lowered) {
  Met met{.integers = lowered};
  const bool whole = has_integers(plan);
  for (const quant::SitePlan& site : plan) {
    if (site.quantizer.empty() || (!whole && site.rule == quant::kDefaultRule)) continue;
    const bool dynamic = site.how == quant::How::kDynamic, weight = site.kind == nn::SiteKind::kWeight;
    met.integers = met.integers || dynamic;
    met.dynamic_images = met.dynamic_images || (dynamic && site.shape.rank() == 3);
    met.packed = met.packed || (weight && site.quantizer == "uniform" && site.bits <= 8);
    if (is_float(site)) {
      met.floats.insert(site.quantizer);
      if (weight && !lowered) met.float_weights.insert(site.quantizer);
    } else if (site.bits > 8) {
      met.many_bits.insert(site.bits);
    } else if (site.bits < 8) {
      met.few_bits.insert(site.bits);
    } else {
      met.eight_bits = true;
    }
  }
  return met;
}

std::string joined(const std::vector<std::string>& names) {
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

std::string formats_line(const Hardware& hardware) {
  std::vector<std::string> native, emulated;
  for (const FormatSupport& f : hardware.formats) {
    f.native ? native.push_back(fmt::format("{} ({})", f.format, f.by)) : emulated.push_back(f.format);
  }
  return fmt::format("formats of this processor at level {}: native {}; emulated {}", hardware.level, joined(native),
                     joined(emulated));
}

std::vector<std::string> format_notices(const std::vector<quant::SitePlan>& plan, const Hardware& hardware,
                                        bool lowered) {
  const Met met = met_in(plan, lowered);
  std::vector<std::string> notices;
  for (const std::string& type : met.floats) {
    const FormatSupport& support = support_of(hardware, type == "float16" ? "fp16" : "bf16");
    notices.push_back(fmt::format(
        "{}: values are rounded to it and computed in float32 ({}): no speed{}", type,
        support.native ? "this processor has " + support.by + ", which quantizers do not use"
                       : "emulated here: " + support.by,
        met.float_weights.contains(type) ? "; packed.safetensors has these weights in half the bytes" : ""));
  }
  if (!met.integers) {
    if (!met.few_bits.empty() || !met.many_bits.empty() || met.eight_bits) {
      notices.push_back(fmt::format(
          "integers are simulated in float32, which is slower than plain float32; a section \"lower\" ships "
          "them as integers, if activations have rules, too{}",
          met.packed ? "; packed.safetensors has the weights of \"uniform\" in their bits" : ""));
    }
    return notices;
  }
  if (!met.few_bits.empty()) {
    notices.push_back(
        fmt::format("{} bits: computed as 8 (no processor multiplies fewer): smaller files, the speed of int8",
                    bits_text(met.few_bits)));
  }
  if (!met.many_bits.empty()) {
    notices.push_back(fmt::format("{} bits: computed as int16, at half the rate of int8 where that is native",
                                  bits_text(met.many_bits)));
  }
  if (met.eight_bits || !met.few_bits.empty()) {
    const FormatSupport& int8 = support_of(hardware, "int8");
    if (int8.native) {
      notices.push_back(fmt::format("int8 is native here: {}", int8.by));
    } else if (hardware.level == "scalar") {
      notices.emplace_back(
          "int8 is computed in plain loops at level scalar, as float32 is: a level to compare with, not a fast one");
    } else {
      notices.push_back(
          fmt::format("int8 is emulated here ({}): about twice the speed of float32 in large batches, less than "
                      "with instructions for bytes",
                      int8.by));
    }
  }
  if (met.dynamic_images) {
    notices.emplace_back(
        "dynamic quantization of images: convolutions with it are slower than in float32 unless weights are many and "
        "batches small; a section \"lower\" makes integers fast");
  }
  return notices;
}

std::vector<std::string> precision_notices(core::Precision precision, const Hardware& hardware) {
  if (precision == core::Precision::kFloat32) return {};
  const FormatSupport& bf16 = support_of(hardware, "bf16");
  return {fmt::format("bf16 is {} here ({}); products: {}", bf16.native ? "native" : "emulated", bf16.by, bf16.kernel)};
}

}  // namespace tempera::cli
