// Oracles: places counted by hand, and the values that the library was given.
#include "tempera/core/config/json_fault.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

namespace {

using nlohmann::json;
using tempera::core::json_explanation;
using tempera::core::json_fault;

std::string explained(const std::function<void()>& action) {
  try {
    action();
  } catch (const json::exception& error) {
    return json_explanation(error.what());
  }
  return "nothing thrown";
}

TEST_CASE("text that is JSON has no fault, and any other is told with line and column from 1") {
  CHECK(json_fault(R"({"a": [1, 2.5, null, true, "x"]})").empty());
  CHECK(json_fault(" \n") == "the file is empty");
  CHECK(json_fault("{\n\n  \"a\": }").starts_with("line 3, column 8: "));
  CHECK(json_fault("[1, 2").starts_with("line 1, column 6: "));
  CHECK(json_fault("[1, 2").ends_with("unexpected end of input; expected ']'"));
  CHECK(json_fault("[1e999]").starts_with("line 1, column "));
  CHECK(json_fault("nul").find("json.exception") == std::string::npos);
  CHECK(json_fault(std::string_view("\"\xff\"", 3)).starts_with("line 1, column 2: "));
}

TEST_CASE("what the library says of a value is said without its number, with what was expected and what stands there") {
  const json object{{"a", "text"}}, null;
  CHECK(explained([&] { static_cast<void>(object.at("weight")); }) == "the key \"weight\" is missing");
  CHECK(explained([&] { static_cast<void>(null.at("a")); }) == "an object is expected where null stands");
  CHECK(explained([&] { static_cast<void>(object.at("a").get<int>()); }) == "number is expected where string stands");
  CHECK(json_explanation("something else") == "something else");
  CHECK(json_explanation("[json.exception.other.999] something") == "something");
  CHECK(json_explanation("[json.exception.") == "[json.exception.");
  CHECK(json_explanation("").empty());
}

}  // namespace
