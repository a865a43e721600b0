#include "tempera/apps/experiment/program_description.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tempera/apps/experiment/sizes.hpp"
#include "tempera/apps/terminal.hpp"

namespace tempera::cli {
namespace {

using nlohmann::ordered_json;

std::string_view way_of(const quant::Requant& requant) {
  return requant.thresholds ? "thresholds" : quant::kRequantModes[static_cast<std::size_t>(requant.mode)];
}

// How an instruction gets to the scale of what it writes; nothing where it keeps that of what it reads. A sum of branches is
// rounded once, half away from zero, as "single" is.
std::string requantization_of(const quant::program::Operation& operation) {
  const auto optional = [](const std::optional<quant::Requant>& requant) {
    return std::string(requant ? way_of(*requant) : "");
  };
  if (const auto* linear = std::get_if<quant::program::Linear>(&operation)) return optional(linear->requant);
  if (const auto* conv = std::get_if<quant::program::Conv2d>(&operation)) return optional(conv->requant);
  if (const auto* alone = std::get_if<quant::program::Requantize>(&operation)) {
    return std::string(way_of(alone->requant));
  }
  if (std::holds_alternative<quant::program::Add>(operation))
    return std::string(quant::kRequantModes[static_cast<std::size_t>(quant::RequantMode::kSingle)]);
  if (const auto* concat = std::get_if<quant::program::Concat>(&operation)) {
    for (const std::optional<quant::Requant>& requant : concat->requants) {
      if (requant) return std::string(way_of(*requant));  // one config, one mode
    }
  }
  return {};
}

const quant::ProgramWeight* weight_of(const quant::program::Operation& operation) {
  if (const auto* linear = std::get_if<quant::program::Linear>(&operation)) return &linear->weight;
  const auto* conv = std::get_if<quant::program::Conv2d>(&operation);
  return conv == nullptr ? nullptr : &conv->weight;
}

std::string weight_bits_text(const ordered_json& instruction) {
  const auto weight = instruction.find("weight");
  return weight == instruction.end() ? "-" : std::to_string((*weight)["bits"].get<int>());
}

std::string extents_text(const ordered_json& extents) {
  const auto numbers = extents.get<std::vector<std::int64_t>>();
  return core::Shape(std::span<const std::int64_t>(numbers)).text();
}

}  // namespace

ordered_json program_description(const SavedProgram& saved) {
  ordered_json instructions = ordered_json::array();
  for (const quant::Instruction& instruction : saved.program.instructions) {
    const quant::ProgramBuffer& written = saved.program.buffers[static_cast<std::size_t>(instruction.output)];
    ordered_json entry{{"instruction", quant::program::kOperationNames[instruction.operation.index()]},
                       {"layer", instruction.layer},
                       {"reads", instruction.inputs},
                       {"writes", instruction.output},
                       {"site", written.site},
                       {"shape", written.shape.extents()},
                       {"bits", written.bits}};
    if (written.cell != quant::Cell::kS32) {
      entry["low"] = written.low;
      entry["high"] = written.high;
    }
    entry["zero_point"] = written.zero_point;
    entry["scale"] = written.scale;
    if (const quant::ProgramWeight* weight = weight_of(instruction.operation)) {
      entry["weight"] = {{"shape", weight->shape.extents()}, {"bits", weight->bits}};
      entry["bytes"] = parameter_bytes(instruction.operation);
    }
    const std::string way = requantization_of(instruction.operation);
    if (!way.empty()) entry["requantization"] = way;
    instructions.push_back(std::move(entry));
  }
  return {{"program", true},
          {"input", saved.program.input.extents()},
          {"data", saved.input.data_name},
          {"classes", saved.input.classes},
          {"instructions", std::move(instructions)},
          {"bytes", parameter_bytes(saved.program)},
          {"file_bytes", std::filesystem::file_size(saved.file)}};
}

std::string program_description_text(const ordered_json& description) {
  Table table(
      {"instruction", "layer", "writes", "shape", "bits", "integers", "weight bits", "bytes", "requantization"});
  for (const ordered_json& entry : description["instructions"]) {
    const bool narrow = entry.contains("low");
    table.row({entry["instruction"].get<std::string>(), entry["layer"].get<std::string>(),
               entry["site"].get<std::string>(), extents_text(entry["shape"]), std::to_string(entry["bits"].get<int>()),
               narrow ? fmt::format("{} … {}", entry["low"].get<int>(), entry["high"].get<int>()) : "sums",
               weight_bits_text(entry), entry.contains("bytes") ? count_text(entry["bytes"].get<std::int64_t>()) : "-",
               entry.value("requantization", "-")});
  }
  return fmt::format(
      "program of integers for samples of {}\n\n{}weights and biases alone {} bytes, the file {} bytes\n",
      extents_text(description["input"]), table.text(), count_text(description["bytes"].get<std::int64_t>()),
      count_text(description["file_bytes"].get<std::int64_t>()));
}

}  // namespace tempera::cli
