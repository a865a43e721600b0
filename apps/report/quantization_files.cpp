// quantization.json
#include <nlohmann/json.hpp>

#include "tempera/apps/report/json_node.hpp"
#include "tempera/apps/report/proof_json.hpp"
#include "tempera/apps/report/run_files.hpp"
#include "tempera/apps/version.hpp"

namespace tempera::cli::report {
namespace {

using nlohmann::json;

json staircase_json(const QuantizedSite& site) {
  json staircase{
      {"argument", site.argument}, {"value", site.value}, {"derivative", site.derivative}, {"hard", site.hard}};
  if (site.channel) staircase["channel"] = *site.channel;
  if (site.temperature) staircase["temperature"] = *site.temperature;
  return staircase;
}

json site_json(const QuantizedSite& site) {
  return {{"site", site.site},
          {"kind", site.kind},
          {"quantizer", site.quantizer},
          {"grid", site.grid},
          {"bits", site.bits},
          {"values", site.values},
          {"sqnr_db", site.sqnr},
          {"overflows", site.overflows},
          {"passed", site.passed},
          {"folded", site.folded},
          {"histogram", {{"low", site.low}, {"high", site.high}, {"before", site.before}, {"after", site.after}}},
          {"staircase", staircase_json(site)}};
}

QuantizedSite site_from(const JsonNode& node) {
  QuantizedSite out;
  out.site = node.at("site").text();
  out.kind = node.at("kind").text();
  if (node.has("quantizer")) out.quantizer = node.at("quantizer").text();  // runs of earlier versions do not say
  out.grid = node.member("grid").text();
  out.bits = node.at("bits").integer();
  out.values = node.member("values").integer();
  out.sqnr = node.member("sqnr_db").number();
  node.read("overflows", out.overflows);
  node.read("passed", out.passed);
  out.folded = node.has("folded") && node.at("folded").boolean();  // runs of earlier versions do not say
  const JsonNode histogram = node.at("histogram");
  out.low = histogram.member("low").number();
  out.high = histogram.member("high").number();
  out.before = histogram.member("before").numbers();
  out.after = histogram.member("after").numbers();
  const JsonNode staircase = node.at("staircase");
  out.argument = staircase.member("argument").numbers();
  out.value = staircase.member("value").numbers();
  out.derivative = staircase.member("derivative").numbers();
  staircase.read("hard", out.hard);
  if (staircase.has("channel")) out.channel = staircase.at("channel").integer();
  if (staircase.has("temperature")) out.temperature = staircase.at("temperature").number();
  if (out.before.size() != out.after.size()) histogram.fail("as many bins before as after");
  if (out.argument.size() != out.value.size() || out.argument.size() != out.derivative.size()) {
    staircase.fail("three lists of one length");
  }
  if (!out.hard.empty() && out.hard.size() != out.argument.size()) staircase.fail("as many hard values as arguments");
  return out;
}

}  // namespace

std::string quantization_text(const Quantization& quantization) {
  json sites = json::array();
  for (const QuantizedSite& site : quantization.sites) sites.push_back(site_json(site));
  json document{{"format", kFormatVersion}, {"sites", sites}};
  if (quantization.proof.done) document["verification"] = proof_json(quantization.proof);
  return json_text(document, true);
}

Quantization parse_quantization(std::string_view text, const std::string& file) {
  const json document = parse_json(text, file);
  const JsonNode root(document, file);
  root.expect_format();
  Quantization out;
  for (const JsonNode& node : root.at("sites").items()) out.sites.push_back(site_from(node));
  if (root.has("verification")) out.proof = proof_from(root.at("verification"));
  return out;
}

}  // namespace tempera::cli::report
