#include "tempera/apps/experiment/sizes.hpp"

#include <fmt/format.h>

#include <utility>
#include <variant>

#include "tempera/apps/experiment/run_folder.hpp"
#include "tempera/apps/terminal.hpp"
#include "tempera/quant/packing.hpp"

namespace tempera::cli {

WeightBits weight_bits(const std::vector<quant::SitePlan>& sites) {
  WeightBits bits;
  for (const quant::SitePlan& site : sites) {
    if (site.kind == nn::SiteKind::kWeight && !site.quantizer.empty()) bits[site.site] = site.bits;
  }
  return bits;
}

int bits_of(const nn::Parameter& parameter, const WeightBits& bits) {
  const auto found = bits.find(parameter.name);
  return found == bits.end() ? kFloatBits : found->second;
}

int bits_of(const nn::LayerInfo& layer, const WeightBits& bits) {
  for (const nn::Parameter& parameter : layer.parameters) {
    if (bits.contains(parameter.name)) return bits_of(parameter, bits);
  }
  return kFloatBits;
}

std::int64_t bytes_of(std::int64_t values, int bits) {
  return static_cast<std::int64_t>(quant::packed_bytes(static_cast<std::size_t>(values), bits));
}

std::int64_t bytes_of(const nn::LayerInfo& layer, const WeightBits& bits) {
  std::int64_t bytes = 0;
  for (const nn::Parameter& p : layer.parameters) bytes += bytes_of(p.numel(), bits_of(p, bits));
  return bytes;
}

std::int64_t bytes_of(const nn::Model& model, const WeightBits& bits) {
  std::int64_t bytes = 0;
  for (const nn::LayerInfo* layer : model.infos()) bytes += bytes_of(*layer, bits);
  return bytes;
}

std::int64_t parameter_bytes(const ExperimentConfig& config, const core::Shape& sample) {
  nn::Model model = nn::Model::planned(config.model, sample);
  return bytes_of(model, config.quantization ? weight_bits(quant::plan(model, *config.quantization)) : WeightBits());
}

std::int64_t parameter_bytes(const quant::program::Operation& operation) {
  const auto of = [](const auto& product) {
    return bytes_of(product.weight.shape.numel(), product.weight.bits) +
           bytes_of(static_cast<std::int64_t>(product.bias.size()), kFloatBits);
  };
  if (const auto* linear = std::get_if<quant::program::Linear>(&operation)) return of(*linear);
  if (const auto* conv = std::get_if<quant::program::Conv2d>(&operation)) return of(*conv);
  return 0;
}

std::int64_t parameter_bytes(const quant::Program& program) {
  std::int64_t bytes = 0;
  for (const quant::Instruction& instruction : program.instructions) bytes += parameter_bytes(instruction.operation);
  return bytes;
}

std::string sizes_text(const report::ModelFacts& model) {
  std::string text;
  const auto alone = model.bytes.find("parameters");
  for (const auto& [name, file] : {std::pair("program", kProgramFile), std::pair("packed", kPackedFile)}) {
    const auto whole = model.bytes.find(name);
    if (whole == model.bytes.end()) continue;
    text += fmt::format("size: weights and biases alone {} bytes as float32", count_text(model.bytes.at("float32")));
    if (alone != model.bytes.end()) text += fmt::format(", {} in their bits", count_text(alone->second));
    text += fmt::format("; the whole file {} {} bytes, with its scales, names and config\n", file,
                        count_text(whole->second));
  }
  return text;
}

}  // namespace tempera::cli
