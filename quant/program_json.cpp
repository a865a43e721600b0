#include "tempera/quant/program_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <type_traits>
#include <utility>

#include "tempera/core/config/json_fault.hpp"
#include "tempera/core/errors.hpp"

namespace tempera::quant {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 5> kCells{"u8", "s8", "u16", "s16", "s32"};

template <class Words>
std::size_t word(const json& value, const Words& words) {
  if (!value.is_string()) throw core::Error(fmt::format("a word of the format is expected, received {}", value.dump()));
  const auto& text = value.get_ref<const std::string&>();
  const auto found = std::ranges::find(words, text);
  if (found == std::end(words)) throw core::Error(fmt::format("\"{}\" is no word of the format", text));
  return static_cast<std::size_t>(found - std::begin(words));
}

constexpr const char* kByThresholds = "thresholds";

// The whole number under a key, if it fits T: get<T> takes the lower bits of a larger one, and 1 for true.
template <class T>
T integer_from(const json& value, std::string_view key) {
  const auto fits = [key]<class Wide>(Wide wide) {
    if (std::in_range<T>(wide)) return static_cast<T>(wide);
    throw core::Error(fmt::format("\"{}\" must be from {} to {}, received {}", key, std::numeric_limits<T>::min(),
                                  std::numeric_limits<T>::max(), wide));
  };
  if (value.is_number_unsigned()) return fits(value.get<std::uint64_t>());
  if (value.is_number_integer()) return fits(value.get<std::int64_t>());
  throw core::Error(fmt::format("\"{}\" must be an integer, received {}", key, value.dump()));
}

template <class T>
T integer(const json& object, const char* key) {
  return integer_from<T>(object.at(key), key);
}

template <class T>
std::vector<T> integers(const json& object, const char* key) {
  const json& list = object.at(key);
  if (!list.is_array()) throw core::Error(fmt::format("\"{}\" must be a list, received {}", key, list.dump()));
  std::vector<T> values;
  for (const json& value : list) values.push_back(integer_from<T>(value, key));
  return values;
}

json shape_json(const core::Shape& shape) { return shape.extents(); }
core::Shape shape_from(const json& object, const char* key) { return core::Shape(integers<std::int64_t>(object, key)); }

json requant_json(std::string_view mode, const Requant& requant) {
  return {{"mode", mode}, {"zero_point", requant.zero_point}, {"low", requant.low}, {"high", requant.high}};
}

// One list of each part of the multipliers; the real numbers only for the mode that uses them.
json requant_json(const Requant& requant, const std::string& name, ListStore& lists) {
  if (requant.thresholds) {
    lists.put(name + ".thresholds", requant.thresholds->values);
    lists.put(name + ".directions", requant.thresholds->directions);
    return requant_json(kByThresholds, requant);
  }
  std::vector<std::int32_t> multiplier, shift;
  std::vector<float> real;
  for (const Multiplier& m : requant.multipliers) {
    multiplier.push_back(m.multiplier);
    shift.push_back(m.shift);
    real.push_back(m.real);
  }
  lists.put(name + ".multiplier", multiplier);
  lists.put(name + ".shift", shift);
  if (requant.mode == RequantMode::kFloat32) lists.put(name + ".real", real);
  return requant_json(kRequantModes[static_cast<std::size_t>(requant.mode)], requant);
}

Requant requant_from(const json& value, const std::string& name, const ListSource& lists) {
  Requant requant{.multipliers = {},
                  .zero_point = integer<std::int32_t>(value, "zero_point"),
                  .low = integer<std::int32_t>(value, "low"),
                  .high = integer<std::int32_t>(value, "high")};
  if (value.at("mode") == kByThresholds) {
    requant.thresholds.emplace();
    lists.get(name + ".thresholds", requant.thresholds->values);
    lists.get(name + ".directions", requant.thresholds->directions);
    return requant;
  }
  requant.mode = static_cast<RequantMode>(word(value.at("mode"), kRequantModes));
  std::vector<std::int32_t> multiplier, shift;
  std::vector<float> real;
  lists.get(name + ".multiplier", multiplier);
  lists.get(name + ".shift", shift);
  if (requant.mode == RequantMode::kFloat32) lists.get(name + ".real", real);
  real.resize(requant.mode == RequantMode::kFloat32 ? real.size() : multiplier.size());
  if (multiplier.size() != shift.size() || multiplier.size() != real.size()) {
    throw core::Error(fmt::format("{}: as many shifts and real numbers as multipliers", name));
  }
  for (std::size_t i = 0; i < multiplier.size(); ++i) {
    requant.multipliers.push_back({.multiplier = multiplier[i], .shift = shift[i], .real = real[i]});
  }
  return requant;
}

json optional_json(const std::optional<Requant>& requant, const std::string& name, ListStore& lists) {
  return requant ? requant_json(*requant, name, lists) : json();
}
std::optional<Requant> optional_from(const json& value, const std::string& name, const ListSource& lists) {
  if (value.is_null()) return std::nullopt;
  return requant_from(value, name, lists);
}

json weight_json(const ProgramWeight& weight, const std::string& name, ListStore& lists) {
  lists.put_packed(name + ".weight", weight.values, weight.bits);
  if (!weight.zero_points.empty()) lists.put(name + ".zero_points", weight.zero_points);
  return {{"shape", shape_json(weight.shape)}, {"bits", weight.bits}, {"symmetric", weight.zero_points.empty()}};
}

ProgramWeight weight_from(const json& value, const std::string& name, const ListSource& lists) {
  ProgramWeight weight{
      .shape = shape_from(value, "shape"), .bits = integer<int>(value, "bits"), .values = {}, .zero_points = {}};
  weight.values = lists.get_packed(name + ".weight", static_cast<std::size_t>(weight.shape.numel()), weight.bits);
  if (!value.at("symmetric").get<bool>()) lists.get(name + ".zero_points", weight.zero_points);
  return weight;
}

json params_json(const QParams& params) {
  return {{"bits", params.bits},
          {"signed", params.is_signed},
          {"low", params.qmin},
          {"high", params.qmax},
          {"scale", params.scale},
          {"zero_point", params.zero_point},
          {"rounding", kRoundings[static_cast<std::size_t>(params.rounding)]}};
}

QParams params_from(const json& value) {
  QParams params;
  params.bits = integer<int>(value, "bits");
  params.is_signed = value.at("signed").get<bool>();
  params.qmin = integer<std::int32_t>(value, "low");
  params.qmax = integer<std::int32_t>(value, "high");
  params.scale = value.at("scale").get<std::vector<float>>();
  params.zero_point = integers<std::int32_t>(value, "zero_point");
  params.rounding = static_cast<Rounding>(word(value.at("rounding"), kRoundings));
  return params;
}

using Pair = std::array<std::int64_t, 2>;

// What an operation has besides its kind.
struct ToJson {
  const std::string& name;
  ListStore& lists;

  json operator()(const program::Quantize& op) const { return {{"params", params_json(op.params)}}; }
  json operator()(const program::Linear& op) const {
    lists.put(name + ".bias", op.bias);
    return {{"weight", weight_json(op.weight, name, lists)}, {"requant", optional_json(op.requant, name, lists)}};
  }
  json operator()(const program::Conv2d& op) const {
    lists.put(name + ".bias", op.bias);
    return {{"weight", weight_json(op.weight, name, lists)},
            {"stride", op.stride},
            {"padding", op.padding},
            {"dilation", op.dilation},
            {"groups", op.groups},
            {"requant", optional_json(op.requant, name, lists)}};
  }
  json operator()(const program::Requantize& op) const { return {{"requant", requant_json(op.requant, name, lists)}}; }
  json operator()(const program::Clamp& op) const { return {{"low", op.low}, {"high", op.high}}; }
  json operator()(const program::MaxPool2d& op) const {
    return {{"size", op.size}, {"stride", op.stride}, {"padding", op.padding}};
  }
  json operator()(const program::AvgPool2d& op) const {
    return {{"size", op.size},
            {"stride", op.stride},
            {"padding", op.padding},
            {"rounding", kRoundings[static_cast<std::size_t>(op.rounding)]}};
  }
  json operator()(const program::GlobalAvgPool2d& op) const {
    return {{"rounding", kRoundings[static_cast<std::size_t>(op.rounding)]}};
  }
  json operator()(const program::Add& op) const {
    lists.put(name + ".multiplier_a", op.multiplier_a);
    lists.put(name + ".multiplier_b", op.multiplier_b);
    return {{"shift", op.shift}, {"zero_point", op.zero_point}, {"low", op.low}, {"high", op.high}};
  }
  json operator()(const program::Concat& op) const {
    json requants = json::array();
    for (std::size_t i = 0; i < op.requants.size(); ++i) {
      requants.push_back(optional_json(op.requants[i], fmt::format("{}.input{}", name, i), lists));
    }
    return {{"requants", requants}};
  }
  json operator()(const program::Reshape& /*op*/) const { return json::object(); }
  json operator()(const program::Lookup& op) const {
    lists.put(name + ".table", op.table);
    return json::object();
  }
};

// The way back, by kind.
struct FromJson {
  const json& value;
  const std::string& name;
  const ListSource& lists;

  [[nodiscard]] Pair pair(const char* key) const {
    const std::vector<std::int64_t> both = integers<std::int64_t>(value, key);
    if (both.size() == 2) return {both[0], both[1]};
    throw core::Error(fmt::format("\"{}\" has {} numbers, expected 2", key, both.size()));
  }
  [[nodiscard]] Rounding rounding() const { return static_cast<Rounding>(word(value.at("rounding"), kRoundings)); }

  void read(program::Quantize& op) const { op.params = params_from(value.at("params")); }
  void read(program::Linear& op) const {
    op.weight = weight_from(value.at("weight"), name, lists);
    lists.get(name + ".bias", op.bias);
    op.requant = optional_from(value.at("requant"), name, lists);
  }
  void read(program::Conv2d& op) const {
    op.weight = weight_from(value.at("weight"), name, lists);
    lists.get(name + ".bias", op.bias);
    op.stride = pair("stride");
    op.padding = pair("padding");
    op.dilation = pair("dilation");
    op.groups = integer<std::int64_t>(value, "groups");
    op.requant = optional_from(value.at("requant"), name, lists);
  }
  void read(program::Requantize& op) const { op.requant = requant_from(value.at("requant"), name, lists); }
  void read(program::Clamp& op) const {
    op.low = integer<std::int32_t>(value, "low");
    op.high = integer<std::int32_t>(value, "high");
  }
  void read(program::MaxPool2d& op) const { op = {pair("size"), pair("stride"), pair("padding")}; }
  void read(program::AvgPool2d& op) const { op = {pair("size"), pair("stride"), pair("padding"), rounding()}; }
  void read(program::GlobalAvgPool2d& op) const { op.rounding = rounding(); }
  void read(program::Add& op) const {
    lists.get(name + ".multiplier_a", op.multiplier_a);
    lists.get(name + ".multiplier_b", op.multiplier_b);
    op.shift = integer<std::int32_t>(value, "shift");
    op.zero_point = integer<std::int32_t>(value, "zero_point");
    op.low = integer<std::int32_t>(value, "low");
    op.high = integer<std::int32_t>(value, "high");
  }
  void read(program::Concat& op) const {
    const json& requants = value.at("requants");
    for (std::size_t i = 0; i < requants.size(); ++i) {
      op.requants.push_back(optional_from(requants.at(i), fmt::format("{}.input{}", name, i), lists));
    }
  }
  void read(program::Reshape& /*op*/) const {}
  void read(program::Lookup& op) const { lists.get(name + ".table", op.table); }
};

// The operation whose kind has this position among the alternatives.
template <std::size_t I = 0>
program::Operation operation_from(std::size_t kind, const FromJson& from) {
  if constexpr (I < std::variant_size_v<program::Operation>) {
    if (kind != I) return operation_from<I + 1>(kind, from);
    std::variant_alternative_t<I, program::Operation> operation{};
    from.read(operation);
    return operation;
  } else {
    throw core::Error("an operation of no kind");
  }
}

json buffer_json(const ProgramBuffer& buffer, std::size_t index, ListStore& lists) {
  lists.put(fmt::format("buffer{}.scale", index), buffer.scale);
  return {{"site", buffer.site},
          {"shape", shape_json(buffer.shape)},
          {"cell", kCells[static_cast<std::size_t>(buffer.cell)]},
          {"bits", buffer.bits},
          {"low", buffer.low},
          {"high", buffer.high},
          {"zero_point", buffer.zero_point}};
}

ProgramBuffer buffer_from(const json& value, std::size_t index, const ListSource& lists) {
  ProgramBuffer buffer{.site = value.at("site").get<std::string>(),
                       .shape = shape_from(value, "shape"),
                       .cell = static_cast<Cell>(word(value.at("cell"), kCells)),
                       .bits = integer<int>(value, "bits"),
                       .low = integer<std::int32_t>(value, "low"),
                       .high = integer<std::int32_t>(value, "high"),
                       .zero_point = integer<std::int32_t>(value, "zero_point"),
                       .scale = {}};
  lists.get(fmt::format("buffer{}.scale", index), buffer.scale);
  return buffer;
}

Instruction instruction_from(const json& value, std::size_t index, const ListSource& lists) {
  const std::string name = std::to_string(index);
  return {.operation = operation_from(word(value.at("op"), program::kOperationNames), FromJson{value, name, lists}),
          .layer = value.at("layer").get<std::string>(),
          .inputs = integers<int>(value, "inputs"),
          .output = integer<int>(value, "output")};
}

// Reads a part of the structure; a key that is missing there, or a value of another type, is told with the part's place.
template <class Read>
void placed(const std::string& pointer, const Read& read) {
  try {
    read();
  } catch (const json::exception& error) {
    throw core::Error(fmt::format("{}: {}", pointer, core::json_explanation(error.what())));
  }
}

}  // namespace

json program_structure(const Program& program, ListStore& lists) {
  json buffers = json::array(), instructions = json::array();
  for (const ProgramBuffer& buffer : program.buffers) buffers.push_back(buffer_json(buffer, buffers.size(), lists));
  for (const Instruction& instruction : program.instructions) {
    const std::string name = std::to_string(instructions.size());
    json one = std::visit(ToJson{name, lists}, instruction.operation);
    one["op"] = program::kOperationNames[instruction.operation.index()];
    one["layer"] = instruction.layer;
    one["inputs"] = instruction.inputs;
    one["output"] = instruction.output;
    instructions.push_back(std::move(one));
  }
  return {{"input", shape_json(program.input)}, {"buffers", buffers}, {"instructions", instructions}};
}

Program program_from(const json& structure, const ListSource& lists) {
  Program program;
  program.input = shape_from(structure, "input");
  for (const json& buffer : structure.at("buffers")) {
    const std::size_t index = program.buffers.size();
    placed(fmt::format("/buffers/{}", index), [&] { program.buffers.push_back(buffer_from(buffer, index, lists)); });
  }
  for (const json& one : structure.at("instructions")) {
    const std::size_t index = program.instructions.size();
    placed(fmt::format("/instructions/{}", index),
           [&] { program.instructions.push_back(instruction_from(one, index, lists)); });
  }
  return program;
}

}  // namespace tempera::quant
