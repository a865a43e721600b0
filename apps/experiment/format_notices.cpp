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
struct FormatsInUse {
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

FormatsInUse formats_in(const std::vector<quant::SitePlan>& plan, bool lowered) {
  FormatsInUse used{.integers = lowered};
  const bool whole = has_integers(plan);
  for (const quant::SitePlan& site : plan) {
    if (site.quantizer.empty() || (!whole && site.rule == quant::kDefaultRule)) continue;
    const bool dynamic = site.how == quant::How::kDynamic, weight = site.kind == nn::SiteKind::kWeight;
    used.integers = used.integers || dynamic;
    used.dynamic_images = used.dynamic_images || (dynamic && site.shape.rank() == 3);
    used.packed = used.packed || (weight && site.quantizer == "uniform" && site.bits <= 8);
    if (is_float(site)) {
      used.floats.insert(site.quantizer);
      if (weight && !lowered) used.float_weights.insert(site.quantizer);
    } else if (site.bits > 8) {
      used.many_bits.insert(site.bits);
    } else if (site.bits < 8) {
      used.few_bits.insert(site.bits);
    } else {
      used.eight_bits = true;
    }
  }
  return used;
}

std::string joined(const std::vector<std::string>& names) {
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

std::string half_notice(const std::string& type, const FormatsInUse& used, const Hardware& hardware) {
  const FormatSupport& support = support_of(hardware, type == "float16" ? "fp16" : "bf16");
  return fmt::format(
      "{}: values are rounded to it and computed in float32 ({}): no speed{}", type,
      support.native ? "this processor has " + support.by + ", which quantizers do not use"
                     : "emulated here: " + support.by,
      used.float_weights.contains(type) ? "; packed.safetensors has these weights in half the bytes" : "");
}

std::string int8_notice(const Hardware& hardware, bool lowered) {
  const FormatSupport& int8 = support_of(hardware, "int8");
  if (int8.native) return fmt::format("int8 is native here: {}", int8.by);
  if (hardware.level == "scalar") {
    return "int8 is computed in plain loops at level scalar, as float32 is: a level to compare with, not a fast one";
  }
  return fmt::format("int8 is emulated here ({}), slower than with instructions for bytes{}", int8.by,
                     lowered ? "; with AVX2 still up to twice as fast as float32 in large batches" : "");
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
  const FormatsInUse used = formats_in(plan, lowered);
  std::vector<std::string> notices;
  for (const std::string& type : used.floats) notices.push_back(half_notice(type, used, hardware));
  if (!used.integers) {
    if (!used.few_bits.empty() || !used.many_bits.empty() || used.eight_bits) {
      notices.push_back(fmt::format(
          "integers are simulated in float32, which is slower than plain float32; a section \"lower\" ships "
          "them as integers, if activations have rules, too{}",
          used.packed ? "; packed.safetensors has the weights of \"uniform\" in their bits" : ""));
    }
    return notices;
  }
  if (!used.few_bits.empty()) {
    notices.push_back(
        fmt::format("{} bits: computed as 8 (no processor multiplies fewer): smaller files, the speed of int8",
                    bits_text(used.few_bits)));
  }
  if (!used.many_bits.empty()) {
    notices.push_back(fmt::format("{} bits: computed as int16, at half the rate of int8 where that is native",
                                  bits_text(used.many_bits)));
  }
  if (used.eight_bits || !used.few_bits.empty()) notices.push_back(int8_notice(hardware, lowered));
  if (used.dynamic_images) {
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
