#include "tempera/apps/report/repairs.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "tempera/apps/terminal.hpp"

namespace tempera::cli::report {

using nlohmann::ordered_json;

ordered_json repairs_json(const Repairs& repairs) {
  ordered_json out = ordered_json::object();
  if (repairs.equalized) {
    ordered_json& pairs = out["equalize"] = ordered_json::array();
    for (const EqualizedRanges& pair : *repairs.equalized) {
      pairs.push_back({{"first", pair.first},
                       {"second", pair.second},
                       {"spread_before", pair.before},
                       {"spread_after", pair.after}});
    }
  }
  if (repairs.rounded) {
    ordered_json& layers = out["adaround"] = ordered_json::array();
    for (const AdaptiveRounding& layer : *repairs.rounded) {
      ordered_json entry{{"layer", layer.layer}, {"changed", layer.changed}, {"weights", layer.weights}};
      if (!layer.skipped.empty()) entry["skipped"] = layer.skipped;
      layers.push_back(std::move(entry));
    }
  }
  if (repairs.corrected) {
    ordered_json& shifts = out["bias_correction"] = ordered_json::array();
    for (const CorrectedMeans& shift : *repairs.corrected) {
      shifts.push_back({{"layer", shift.layer}, {"shift_before", shift.before}, {"shift_after", shift.after}});
    }
  }
  return out;
}

Repairs repairs_from(const JsonNode& node) {
  Repairs out;
  if (node.has("equalize")) {
    out.equalized.emplace();
    for (const JsonNode& pair : node.at("equalize").items()) {
      out.equalized->push_back({.first = pair.at("first").text(),
                                .second = pair.at("second").text(),
                                .before = pair.at("spread_before").number(),
                                .after = pair.at("spread_after").number()});
    }
  }
  if (node.has("adaround")) {
    out.rounded.emplace();
    for (const JsonNode& layer : node.at("adaround").items()) {
      out.rounded->push_back({.layer = layer.at("layer").text(),
                              .changed = layer.at("changed").integer(),
                              .weights = layer.at("weights").integer(),
                              .skipped = layer.has("skipped") ? layer.at("skipped").text() : std::string()});
    }
  }
  if (node.has("bias_correction")) {
    out.corrected.emplace();
    for (const JsonNode& shift : node.at("bias_correction").items()) {
      out.corrected->push_back({.layer = shift.at("layer").text(),
                                .before = shift.at("shift_before").number(),
                                .after = shift.at("shift_after").number()});
    }
  }
  return out;
}

std::vector<std::string> idle_lines(const Repairs& repairs) {
  std::vector<std::string> lines;
  if (repairs.equalized && repairs.equalized->empty()) {
    lines.emplace_back("equalization: changed nothing: no two layers have only what passes a factor between them");
  }
  if (repairs.rounded) {
    for (const AdaptiveRounding& layer : *repairs.rounded) {
      if (layer.skipped.empty()) continue;
      lines.push_back(fmt::format("adaptive rounding: {} was skipped: {}", layer.layer, layer.skipped));
    }
  }
  if (repairs.corrected && repairs.corrected->empty()) {
    lines.emplace_back("bias correction: changed nothing: no layer has a bias");
  }
  return lines;
}

std::vector<std::string> repairs_lines(const Repairs& repairs) {
  std::vector<std::string> lines;
  if (repairs.equalized) {
    for (const EqualizedRanges& pair : *repairs.equalized) {
      lines.push_back(
          fmt::format("equalization: {} and {}: ranges of a channel differ {:.2f} times at most, were {:.2f}",
                      pair.first, pair.second, pair.after, pair.before));
    }
  }
  if (repairs.rounded) {
    for (const AdaptiveRounding& layer : *repairs.rounded) {
      if (!layer.skipped.empty()) continue;
      lines.push_back(fmt::format("adaptive rounding: {}: {} of {} weights are not rounded to their nearest",
                                  layer.layer, count_text(layer.changed), count_text(layer.weights)));
    }
  }
  if (repairs.corrected) {
    for (const CorrectedMeans& shift : *repairs.corrected) {
      lines.push_back(fmt::format("bias correction: {}: the largest shift of a mean is {:.2g}, was {:.2g}", shift.layer,
                                  shift.after, shift.before));
    }
  }
  for (std::string& line : idle_lines(repairs)) lines.push_back(std::move(line));
  return lines;
}

}  // namespace tempera::cli::report
