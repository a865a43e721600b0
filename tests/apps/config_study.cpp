#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "apps/config_sample.hpp"
#include "tempera/apps/experiment/study.hpp"
#include "tempera/core/config/find_number.hpp"
#include "tempera/core/config/parse.hpp"
#include "tempera/core/config/reader.hpp"

namespace {

using namespace sample;
using tempera::cli::expand_study;
using tempera::cli::StudyVariant;

std::vector<StudyVariant> expanded(std::string_view json, std::string& problems) {
  std::vector<ConfigIssue> issues;
  const auto document = parse_config(json, "c.json", issues);
  REQUIRE(document);
  auto variants = expand_study(*document, issues);
  problems = issues.empty() ? "" : ConfigError(issues).what();
  return variants;
}

std::string problems_of(std::string_view json) {
  std::string problems;
  static_cast<void>(expanded(json, problems));
  return problems;
}

TEST_CASE("a study is the product of its lists, the last path varying fastest, on the rest of the document") {
  std::string problems;
  const auto variants = expanded(
      R"({"name": "x", "seed": 9, "study": {"vary": {"seed": [1, 2], "soft.temperature": [1, 5, 20]}, "pair_by": "seed"}})",
      problems);
  CHECK(problems.empty());
  REQUIRE(variants.size() == 6);
  std::vector<std::string> documents;
  for (const StudyVariant& v : variants) documents.push_back(canonical_json(v.document));
  CHECK(documents[0] == R"({"name":"x","seed":1,"soft":{"temperature":1}})");
  CHECK(documents[1] == R"({"name":"x","seed":1,"soft":{"temperature":5}})");
  CHECK(documents[5] == R"({"name":"x","seed":2,"soft":{"temperature":20}})");
  CHECK(variants[4].overrides[0] == std::pair<std::string, std::string>{"seed", "2"});
  CHECK(variants[4].overrides[1] == std::pair<std::string, std::string>{"soft.temperature", "5"});
}

TEST_CASE("no study, an empty study, a null study and that of a resolved config give the document itself, once") {
  std::string problems;
  for (const std::string study :
       {"", R"(, "study": {})", R"(, "study": null)", R"(, "study": {"vary": {}, "pair_by": null})"}) {
    const auto variants = expanded(R"({"name": "x")" + study + "}", problems);
    CHECK(problems.empty());
    REQUIRE(variants.size() == 1);
    CHECK(canonical_json(variants[0].document) == R"({"name":"x"})");
  }
}

TEST_CASE("what cannot be varied is told with line and pointer") {
  CHECK(problems_of("{\"study\": {\"vary\": {\"a\": [],\n\"b\": 3, \"c\": [1, 2, 1]}, \"pair_by\": \"d\"}}") ==
        R"(c.json:1: /study/vary/a: must be a list of at least one value, got an empty list
c.json:2: /study/vary/b: must be a list of at least one value, got number 3
c.json:2: /study/vary/c/2: stands twice in the list: number 1
c.json:2: /study/pair_by: must be one of the paths that vary, got "d"; known are a, b, c)");
  CHECK(problems_of(R"({"study": {"vary": [1]}})") ==
        "c.json:1: /study/vary: must be an object of lists, got a list of 1");
  CHECK(problems_of(R"({"model": [], "study": {"vary": {"model.c1.out": [1]}}})") ==
        "c.json:1: /study/vary/model.c1.out: \"model.c1.out\": the list has 0 elements and no \"c1\"");
}

TEST_CASE("a study of a billion runs is refused before any is made") {
  std::string list = "[0";
  for (int i = 1; i < 1000; ++i) list += "," + std::to_string(i);
  list += "]";
  CHECK(problems_of(R"({"study": {"vary": {"a": )" + list + R"(, "b": )" + list + R"(, "c": )" + list + "}}}") ==
        "c.json:1: /study/vary: makes more than 10000 runs");
}

TEST_CASE("a path finds the live number, through objects, types, list indices and names") {
  Experiment c;
  c.soft = Soft{};
  c.model.emplace_back(layers().create("block"));
  auto conv = layers().create("conv2d");
  layers().common(*conv).name = "c1";
  static_cast<Layers::Of<Block>&>(*c.model[0]).config.layers.emplace_back(std::move(conv));
  const FieldsFn fields = [&](FieldVisitor& v) { c.fields(v); };
  find_number(fields, "soft.temperature") = 7;
  CHECK(c.soft->temperature == 7);
  find_number(fields, "optimizer.momentum") = 0.5;
  CHECK(static_cast<const Optimizers::Of<Sgd>&>(*c.optimizer).config.momentum == 0.5);
  find_number(fields, "temperatures.1") = 3;
  CHECK(c.temperatures[1] == 3);
  CHECK(&find_number(fields, "train.clip") == &c.train.clip);
}

TEST_CASE("a number that is found comes with the range of its field") {
  Experiment c;
  const auto range = [&](const char* path) {
    return range_text(find_number_field([&](FieldVisitor& v) { c.fields(v); }, path).range);
  };
  CHECK(range("train.clip") == "> 0");
  CHECK(range("temperatures.1") == "> 0");
  CHECK(range("optimizer.momentum") == "≥ 0 and < 1");
}

TEST_CASE("a path that names no live number is refused with the nearest name at the place where it fails") {
  Experiment c;
  c.model.emplace_back(layers().create("conv2d"));
  layers().common(*c.model[0]).name = "c1";
  const auto refused = [&](std::string_view path) -> std::string {
    try {
      static_cast<void>(find_number([&](FieldVisitor& v) { c.fields(v); }, path));
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "";
  };
  CHECK(refused("optimizer.momentm") ==
        R"("optimizer.momentm" names no number: nothing numeric is called "momentm"; did you mean "momentum"?)");
  CHECK(refused("optimzer.momentum") ==
        R"("optimzer.momentum" names no number: nothing numeric is called "optimzer"; did you mean "optimizer"?)");
  CHECK(refused("model.c2.out") ==
        R"("model.c2.out" names no number: nothing numeric is called "c2"; did you mean "c1"?)");
  CHECK(refused("model.c1.out") == R"("model.c1.out" is an integer, which cannot take the values between)");
  CHECK(refused("soft.temperature") == R"("soft.temperature" is part of "soft", which is not set)");
  CHECK(refused("train.target") == R"("train.target" is not set)");
  CHECK(refused("train") == R"("train" is not a number)");
  CHECK(
      refused("name") ==
      R"("name" names no number: nothing numeric is called "name"; known are seed, temperatures, train, soft, rules, optimizer, model)");
  CHECK(refused("") == "an empty path names no number");
}

}  // namespace

namespace {

TEST_CASE("a labelled value is refused if it lacks a part, has one more, or shares its label with another") {
  const auto vary = [](const std::string& list) { return R"({"b": 0, "study": {"vary": {"size": )" + list + "}}}"; };
  const std::string rule = "a value under a name has \"label\" and \"set\" and nothing else";
  CHECK(problems_of(vary(R"([{"label": "s"}])")) == "c.json:1: /study/vary/size/0: " + rule);
  CHECK(problems_of(vary(R"([{"set": {"b": 1}}])")) == "c.json:1: /study/vary/size/0: " + rule);
  CHECK(problems_of(vary(R"([{"label": "s", "set": {"b": 1}, "c": 1}])")) == "c.json:1: /study/vary/size/0: " + rule);
  CHECK(problems_of(vary(R"([{"label": 3, "set": {"b": 1}}])")) ==
        "c.json:1: /study/vary/size/0/label: must be a text that is not empty, got number 3");
  CHECK(problems_of(vary(R"([{"label": "s", "set": [1, 2]}])")) ==
        "c.json:1: /study/vary/size/0/set: must be an object of at least one path and its value, got a list of 2");
  CHECK(problems_of(vary(R"([{"label": "s", "set": {"b": 1}}, {"label": "s", "set": {"b": 2}}])")) ==
        "c.json:1: /study/vary/size/1: stands twice in the list: text \"s\"");
}

TEST_CASE("a labelled value sets all its paths, and goes by its label") {
  std::string problems;
  const auto variants = expanded(
      R"({"a": {"x": 0}, "study": {"vary": {"size": [{"label": "small", "set": {"a.x": 1, "b": 2}}, {"label": "large", "set": {"a.x": 9}}]}}})",
      problems);
  CHECK(problems.empty());
  REQUIRE(variants.size() == 2);
  CHECK(canonical_json(variants[0].document) == R"({"a":{"x":1},"b":2})");
  CHECK(canonical_json(variants[1].document) == R"({"a":{"x":9}})");
  CHECK(variants[0].overrides[0] == std::pair<std::string, std::string>{"size", R"("small")"});
}

// Oracle: of two values that one run is given for one place, its document can have only one.
TEST_CASE("a value is refused where it replaces another one of its combination, wholly or in part") {
  const auto refused = [](const std::string& vary, const std::string& later, const std::string& place,
                          const std::string& earlier) {
    CAPTURE(vary);
    CHECK(problems_of(R"({"model": [{"name": "c1"}], "study": {"vary": )" + vary + "}}") ==
          "c.json:1: /study/vary/" + later + ": sets " + place + ", which /study/vary/" + earlier +
              " sets, too: a run would have only the later value, and tables would name both");
  };
  refused(R"({"seed": [1, 2], "a": [{"label": "x", "set": {"seed": 9}}]})", "a/0/set/seed", "/seed", "seed/0");
  refused(R"({"a": [{"label": "x", "set": {"seed": 9}}], "seed": [1, 2]})", "seed/0", "/seed", "a/0/set/seed");
  refused(R"({"t.batch": [16, 32], "t": [{"batch": 32}]})", "t/0", "/t/batch", "t.batch/0");
  refused(R"({"t": [{"batch": 32}], "t.batch": [16, 32]})", "t.batch/0", "/t/batch", "t/0");
  refused(R"({"o": ["sgd", "adam"], "o.type": ["rmsprop"]})", "o.type/0", "/o/type", "o/0");
  refused(R"({"model.c1.out": [1, 2], "model.0.out": [3, 4]})", "model.0.out/0", "/model/0/out", "model.c1.out/0");
  refused(R"({"model.0": [{"out": 1}], "model.0.out": [3, 4]})", "model.0.out/0", "/model/0/out", "model.0/0");
  refused(R"({"a": [{"label": "x", "set": {"model.c1.out": 1, "model.0.out": 2}}]})", "a/0/set/model.0.out",
          "/model/0/out", "a/0/set/model.c1.out");
}

TEST_CASE("values of one list may set the same place, and a value may set what an earlier object left open") {
  CHECK(problems_of(
            R"({"study": {"vary": {"a": [{"label": "x", "set": {"b": 1}}, {"label": "y", "set": {"b": {"c": 2}}}]}}})")
            .empty());
  CHECK(problems_of(R"({"study": {"vary": {"o": ["sgd", {"type": "adam"}], "o.rate": [1, 2], "o.ratio": [3]}}})")
            .empty());
  std::string problems;
  const auto variants = expanded(R"({"study": {"vary": {"o": ["sgd", "adam"], "o.rate": [1, 2]}}})", problems);
  REQUIRE(variants.size() == 4);
  CHECK(canonical_json(variants[3].document) == R"({"o":{"rate":2,"type":"adam"}})");
}

TEST_CASE("a study that varies nothing, or a study, is refused") {
  CHECK(problems_of(R"({"study": {"vary": {}}})") ==
        "c.json:1: /study/vary: must have at least one path and its values, got an empty object; without \"study\" the "
        "config is one run");
  CHECK(
      problems_of(
          "{\"study\": {\"vary\": {\"study.vary\":\n[{}], \"a\": [{\"label\": \"x\", \"set\": {\"study\": {}}}]}}}") ==
      R"(c.json:2: /study/vary/study.vary/0: must be a value of the experiment, and "study.vary" is one of the study
c.json:2: /study/vary/a/0/set/study: must be a value of the experiment, and "study" is one of the study)");
}

}  // namespace
