#include "tempera/apps/experiment/resolved_sites.hpp"

#include <string>
#include <utility>

#include "tempera/apps/experiment/sizes.hpp"
#include "tempera/nn/model.hpp"
#include "tempera/quant/attach.hpp"

namespace tempera::cli {
namespace {

core::ConfigValue rule_of(const quant::SitePlan& site) {
  if (site.rule >= 0) return core::ConfigValue::of(std::int64_t{site.rule});
  return site.quantizer.empty() ? core::ConfigValue{} : core::ConfigValue::of(std::string("default"));
}

core::ConfigValue entry_of(const quant::SitePlan& site) {
  core::ConfigValue entry = core::ConfigValue::object();
  entry.set("site", core::ConfigValue::of(site.site));
  entry.set("rule", rule_of(site));
  if (site.quantizer.empty()) return entry;
  entry.set("quantizer", core::ConfigValue::of(site.quantizer));
  entry.set("bits", core::ConfigValue::of(std::int64_t{site.bits}));
  entry.set("how", core::ConfigValue::of(std::string(quant::how_name(site.how))));
  return entry;
}

}  // namespace

core::ConfigValue with_sites(core::ConfigValue resolved, const ExperimentConfig& config, const core::Shape& sample) {
  core::ConfigValue* section = resolved.find("quantization");
  if (!config.quantization || section == nullptr) return resolved;
  nn::Model model = nn::Model::planned(config.model, sample);
  core::ConfigValue sites = core::ConfigValue::list();
  for (const quant::SitePlan& site : quant::plan(model, *config.quantization)) sites.items.push_back(entry_of(site));
  section->set("sites", std::move(sites));
  return resolved;
}

std::map<std::string, double> mean_bits(const ExperimentConfig& config, const core::Shape& sample) {
  if (!config.quantization) return {{"activations", kFloatBits}, {"weights", kFloatBits}};
  nn::Model model = nn::Model::planned(config.model, sample);
  double weights = 0, weight_bits = 0, activations = 0, activation_bits = 0;
  for (const quant::SitePlan& site : quant::plan(model, *config.quantization)) {
    const auto values = static_cast<double>(site.shape.numel());
    if (site.kind == nn::SiteKind::kWeight) {
      weights += values;
      weight_bits += values * site.bits;
    } else if (!site.quantizer.empty()) {
      activations += values;
      activation_bits += values * site.bits;
    }
  }
  std::map<std::string, double> bits{{"activations", activations > 0 ? activation_bits / activations : kFloatBits}};
  if (weights > 0) bits["weights"] = weight_bits / weights;
  return bits;
}

}  // namespace tempera::cli
