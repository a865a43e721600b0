#include "tempera/apps/report/proof_json.hpp"

#include <nlohmann/json.hpp>
#include <utility>

namespace tempera::cli::report {

nlohmann::ordered_json proof_json(const Proof& proof) {
  nlohmann::ordered_json sites = nlohmann::ordered_json::array();
  for (const FloatSite& site : proof.float_sites) {
    sites.push_back({{"site", site.site}, {"differ", site.differ}, {"largest_steps", site.largest}});
  }
  return {{"equal", proof.equal},
          {"images", proof.images},
          {"values", proof.values},
          {"difference", proof.difference},
          {"float_form",
           {{"activations_differ", proof.float_activations},
            {"predictions_differ", proof.float_predictions},
            {"sites", std::move(sites)}}}};
}

Proof proof_from(const JsonNode& node) {
  Proof proof;
  proof.done = true;
  proof.equal = node.at("equal").boolean();
  proof.images = node.at("images").integer();
  proof.values = node.at("values").integer();
  proof.difference = node.member("difference").text();
  const JsonNode floats = node.at("float_form");
  proof.float_activations = floats.member("activations_differ").number();
  proof.float_predictions = floats.member("predictions_differ").number();
  if (!floats.has("sites")) return proof;
  for (const JsonNode& node_of_site : floats.at("sites").items()) {
    proof.float_sites.push_back({.site = node_of_site.at("site").text(),
                                 .differ = node_of_site.at("differ").number(),
                                 .largest = node_of_site.at("largest_steps").integer()});
  }
  return proof;
}

}  // namespace tempera::cli::report
