#include "tempera/apps/report/proof_json.hpp"

#include <nlohmann/json.hpp>

namespace tempera::cli::report {

nlohmann::ordered_json proof_json(const Proof& proof) {
  return {{"equal", proof.equal},
          {"images", proof.images},
          {"values", proof.values},
          {"difference", proof.difference},
          {"float_form",
           {{"activations_differ", proof.float_activations}, {"predictions_differ", proof.float_predictions}}}};
}

Proof proof_from(const JsonNode& node) {
  Proof proof;
  proof.done = true;
  proof.equal = node.at("equal").boolean();
  proof.images = node.at("images").integer();
  proof.values = node.at("values").integer();
  node.read("difference", proof.difference);
  const JsonNode floats = node.at("float_form");
  floats.read("activations_differ", proof.float_activations);
  floats.read("predictions_differ", proof.float_predictions);
  return proof;
}

}  // namespace tempera::cli::report
