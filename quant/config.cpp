#include "tempera/quant/config.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <string_view>

namespace tempera::quant {
namespace {

constexpr double kMostEpochs = 1e6;  // as many as training may have
constexpr std::array<std::string_view, 2> kWhen{"aware", "after"};
constexpr std::array<std::string_view, 2> kHow{"static", "dynamic"};

void rule_fields(Rule& rule, const QuantizerRegistry& registry, core::FieldVisitor& v) {
  v.field(
      "sites", rule.sites,
      {.help =
           "names of sites, in which * stands for any characters: \"*.weight\", \"act1.output\"; `tempera describe` "
           "lists them",
       .required = true});
  v.typed("quantizer", registry, rule.quantizer, {.help = "what is put there; not set: the sites stay as they are"});
  v.choice(
      "how", rule.how, kHow,
      {.help = "static: a range is chosen beforehand and kept; dynamic: each sample gets a range of its own, from its "
               "own values, when it comes (activations only, \"uniform\" of up to 8 bits); no rule is put on the "
               "model's input by default then"});
}

}  // namespace

void CalibrationConfig::fields(core::FieldVisitor& v) {
  v.field("images", images, {.help = "training images to choose ranges by", .unit = "images", .min = 1});
  v.field("batch", batch, {.help = "images at a time", .unit = "images", .min = 1, .max = 1e6});
  v.field("equalize", equalize,
          {.help = "scales channels between layers so that each uses its range (Nagel et al. 2019)"});
  v.field("bias_correction", bias_correction,
          {.help = "takes off each bias what quantization shifts its layer's mean by (Nagel et al. 2019)"});
  v.object("adaround", adaround, {.help = "chooses which way each weight is rounded (Nagel et al. 2020)"});
}

std::string_view how_name(How how) noexcept { return kHow[static_cast<std::size_t>(how)]; }

const QuantizerRegistry& QuantizationConfig::quantizers() const {
  return registry == nullptr ? QuantizerRegistry::builtin() : *registry;
}

bool QuantizationConfig::dynamic() const noexcept {
  return std::ranges::any_of(rules, [](const Rule& rule) { return rule.how == How::kDynamic; });
}

void QuantizationConfig::fields(core::FieldVisitor& v) {
  v.list(
      "rules", rules.size(), [this](std::size_t n) { rules.resize(n); },
      [this](std::size_t i) -> core::FieldsFn {
        return [this, i](core::FieldVisitor& inner) { rule_fields(rules[i], quantizers(), inner); };
      },
      {.help = "what is put where; a later rule wins over an earlier one", .required = true});
  v.choice("when", when, kWhen, {.help = "while training (fake quantization), or on the finished model (calibration)"});
  v.field(
      "start_epoch", start_epoch,
      {.help =
           "epochs trained in floats first, while ranges are observed; validation is rounded from the first epoch on, "
           "by the ranges seen so far",
       .unit = "epochs",
       .min = 0,
       .max = kMostEpochs});
  v.field("freeze_observers", freeze_observers,
          {.help = "epochs after which ranges stay; 0: those that are given by hand or come with train.initial; if "
                   "training ends before, ranges of weights follow its last step",
           .unit = "epochs",
           .min = 0,
           .max = kMostEpochs});
  v.field("fold_batch_norm", fold_batch_norm,
          {.help = "quantizes weights as batch norm will have scaled them, but for half floats"});
  v.field("freeze_batch_norm", freeze_batch_norm,
          {.help = "epochs after which batch norm keeps its running statistics",
           .unit = "epochs",
           .min = 0,
           .max = kMostEpochs});
  v.object("calibration", calibration, {.help = "ranges for a finished model"});
  std::string sites = "[]";  // never kept: rules decide, also in a resolved config that is changed and run again
  v.raw("sites", sites,
        {.help = "written into resolved configs, not read: every site with the rule that took it and what came of it"});
}

void LowerConfig::fields(core::FieldVisitor& v) {
  v.choice(
      "requant", requant, kRequantModes,
      {.help = "how an accumulator becomes the next integers: one rounding, gemmlowp's two, or a float32 product"});
  static_assert(kRoundings[std::size(kRoundings) - 1] == "stochastic");
  v.choice("average_rounding", average_rounding, std::span(kRoundings).first(std::size(kRoundings) - 1),
           {.help = "how an average pool rounds"});
}

}  // namespace tempera::quant
