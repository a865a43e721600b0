#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/config_sample.hpp"
#include "tempera/apps/experiment/explain.hpp"
#include "tempera/apps/experiment/reference.hpp"

namespace {

using namespace sample;
using tempera::cli::Explanation;

std::vector<Explanation> explained(std::string_view path) {
  Experiment config;
  return tempera::cli::explain([&](FieldVisitor& v) { config.fields(v); }, path);
}

std::string text_of(std::string_view path) {
  const auto all = explained(path);
  REQUIRE(all.size() == 1);
  return tempera::cli::explain_text(all[0]);
}

std::string refusal_of(std::string_view path) {
  try {
    static_cast<void>(explained(path));
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

TEST_CASE("a field is explained by meaning, type, unit, range and default") {
  CHECK(text_of("train.epochs") ==
        "train.epochs: passes over the data\n"
        "  type     integer\n"
        "  unit     epochs\n"
        "  range    ≥ 1 and ≤ 1000\n"
        "  default  5\n");
  CHECK(text_of("rules.3.bits") == text_of("rules.bits"));
  CHECK(text_of("train.precision") ==
        "train.precision: of the arithmetic\n"
        "  type     one of float32, bfloat16\n"
        "  default  \"float32\"\n");
  CHECK(text_of("name").find("default  none: the key is required") != std::string::npos);
  CHECK(text_of("train.target").find("number, or null") != std::string::npos);
}

TEST_CASE("a typed field lists its types, a type its fields, and a field is reached through the type") {
  CHECK(text_of("optimizer") ==
        "optimizer: how weights follow gradients\n"
        "  type     optimizer, or null\n"
        "  default  sgd\n"
        "types\n"
        "  adam  adaptive moments\n"
        "  sgd   stochastic gradient descent\n");
  CHECK(text_of("model.conv2d") ==
        "model.conv2d: convolution\n"
        "  type  object\n"
        "fields\n"
        "  name    name by which selectors, reports and files refer to it; numbered if left out (text)\n"
        "  out     output channels (integer, channels)\n"
        "  kernel  height and width (list of integers, or a single one, pixels)\n");
  CHECK(text_of("model.conv2d.out").starts_with("model.conv2d.out: output channels\n"));
  CHECK(text_of("model.block.layers.block.layers.conv2d.out").find("output channels") != std::string::npos);
}

TEST_CASE("a path that leaves out the type explains the field of every type that has it") {
  std::vector<std::string> paths;
  for (const Explanation& e : explained("optimizer.learning_rate")) paths.push_back(e.path);
  CHECK(paths == std::vector<std::string>{"optimizer.adam.learning_rate", "optimizer.sgd.learning_rate"});
}

TEST_CASE("a type is explained by its name alone, and what could have stood there is named once") {
  CHECK(text_of("sgd").starts_with("optimizer.sgd: stochastic gradient descent\n"));
  CHECK(text_of("conv2d.out").starts_with("layer.conv2d.out: output channels\n"));
  CHECK(refusal_of("sgdd") != "");
  const std::string refusal = refusal_of("model.x.y");
  const std::size_t first = refusal.find("name");
  CHECK(first != std::string::npos);
  CHECK(refusal.find(" name,", first + 4) == std::string::npos);
}

TEST_CASE("an unknown path is refused with the nearest name at the place where it fails") {
  CHECK(refusal_of("train.epocs") == "\"train.epocs\": there is no \"epocs\"; did you mean \"epochs\"?");
  CHECK(refusal_of("optimizer.sdg") == "\"optimizer.sdg\": there is no \"sdg\"; did you mean \"sgd\"?");
  CHECK(refusal_of("model.conv2d.kernl") == "\"model.conv2d.kernl\": there is no \"kernl\"; did you mean \"kernel\"?");
  CHECK(refusal_of("seed.x") == "\"seed.x\": there is no \"x\"");
}

TEST_CASE("the explanation for programs says the same as the one for people") {
  const auto json = nlohmann::json::parse(pretty_json(tempera::cli::explain_json(explained("train.epochs")[0])));
  CHECK(json.at("path") == "train.epochs");
  CHECK(json.at("unit") == "epochs");
  CHECK(json.at("default") == "5");
  const auto types = nlohmann::json::parse(pretty_json(tempera::cli::explain_json(explained("optimizer")[0])));
  CHECK(types.at("types").at("sgd") == "stochastic gradient descent");
}

TEST_CASE("the reference has a row for every field of every section and type, nested catalogs once") {
  Experiment config;
  const std::string text = tempera::cli::reference_markdown([&](FieldVisitor& v) { config.fields(v); });
  for (const std::string row :
       {"| `name` | text |  |  | required | of the run |", "### `train`\n",
        "| `epochs` | integer | ≥ 1 and ≤ 1000 | epochs | `5` | passes over the data |", "### optimizer `adam`\n",
        "| `betas` | list of 2 numbers | ≥ 0 and ≤ 1 |  | `[0.9, 0.999]` | decay of the moments |",
        "### layer `block`\n", "| `vary` | any JSON |  |  | `{}` | what a study varies |"}) {
    CHECK_MESSAGE(text.find(row) != std::string::npos, row);
  }
  CHECK(text.find("## Types of layer") == text.rfind("## Types of layer"));
}

TEST_CASE("the JSON schema has limits, required keys and types as the fields state them") {
  Experiment config;
  const auto schema =
      nlohmann::json::parse(pretty_json(tempera::cli::json_schema([&](FieldVisitor& v) { config.fields(v); })));
  const auto& properties = schema.at("properties");
  CHECK(properties.at("train").at("properties").at("epochs").at("maximum") == 1000);
  CHECK(properties.at("train").at("properties").at("clip").at("exclusiveMinimum") == 0);
  CHECK(properties.at("train").at("additionalProperties") == false);
  CHECK(properties.at("optimizer").at("anyOf").at(0).at("$ref") == "#/$defs/optimizer");
  CHECK(properties.at("model").at("items").at("$ref") == "#/$defs/layer");
  const auto& layers = schema.at("$defs").at("layer").at("anyOf");
  CHECK(layers.at(0).at("enum") == nlohmann::json{"block", "conv2d"});
  CHECK(layers.at(2).at("required") == nlohmann::json{"out"});
  CHECK(layers.at(1).at("properties").at("layers").at("items").at("$ref") == "#/$defs/layer");
}

}  // namespace
