#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tempera/core/config/parse.hpp"

namespace {

using namespace tempera::core;

std::string issues_of(std::string_view text) {
  std::vector<ConfigIssue> issues;
  static_cast<void>(parse_config(text, "c.json", issues));
  return issues.empty() ? "" : ConfigError(issues).what();
}

ConfigValue parsed(std::string_view text) {
  std::vector<ConfigIssue> issues;
  const auto value = parse_config(text, "c.json", issues);
  REQUIRE(value);
  REQUIRE(issues.empty());
  return *value;
}

TEST_CASE("members know the line of their key and elements their own, whatever comments stand between") {
  const ConfigValue v = parsed("// one\n{\n  \"a\" /*\n\n*/ : 1,\n  \"b\": [\n    10,\n    {\"c\": 1\n}],\n\"d\":\n2}");
  CHECK(v.place.line == 2);
  CHECK(v.find("a")->place.line == 3);
  CHECK(v.find("b")->place.line == 6);
  CHECK(v.find("b")->items[0].place.line == 7);
  CHECK(v.find("b")->items[1].place.line == 8);
  CHECK(v.find("b")->items[1].find("c")->place.line == 8);
  CHECK(v.find("d")->place.line == 10);
  CHECK(v.place.file == "c.json");
}

TEST_CASE("a byte order mark, escapes and letters beyond ASCII are read as UTF-8") {
  const ConfigValue v = parsed("\xEF\xBB\xBF{\"\\u00e4\": \"\xC3\xB6 \\uD83D\\uDE00\"}");
  CHECK(v.members[0].name == "ä");
  CHECK(v.members[0].value.text == "ö 😀");
}

TEST_CASE("NaN and infinity are refused in words, in every spelling programs write") {
  for (const std::string word : {"NaN", "nan", "Infinity", "-Infinity", "inf", "-inf", "+Infinity"}) {
    const std::string text = issues_of("{\n  \"x\": {\"y\": " + word + "}}");
    CHECK(text.starts_with("c.json:2: /x/y: " + word + " is not a JSON number: numbers must be finite (column 1"));
  }
  CHECK(issues_of("{\"x\": NaN}").ends_with("(column 7)"));
}

TEST_CASE("a number beyond double is refused and the largest double is kept") {
  CHECK(issues_of("{\"x\": 1e999}") == "c.json:1: /x: number 1e999 is too large for a double (column 11)");
  CHECK(parsed("{\"x\": 1.7976931348623157e308}").find("x")->number == 1.7976931348623157e308);
}

TEST_CASE("a key that stands twice is told with both lines, and reading goes on to the next one") {
  CHECK(issues_of("{\"a\": 1,\n\"b\": [0, {\"c\": 1, \"c\": {\"d\": 1}}],\n\"a\": 2}") ==
        "c.json:2: /b/1/c: key \"c\" stands twice in this object, first in line 2\n"
        "c.json:3: /a: key \"a\" stands twice in this object, first in line 1");
}

TEST_CASE("a syntax error is told with its line and column") {
  CHECK(issues_of("{\n  \"a\": 1,\n}") == "c.json:3: /a: not JSON: a comma before the closing bracket (column 1)");
  CHECK(issues_of("{\"a\": [1 2]}")
            .starts_with("c.json:1: /a/1: not JSON: syntax error while parsing array - unexpected number literal"));
  CHECK(issues_of("{\"a\": tru}")
            .starts_with("c.json:1: /a: not JSON: syntax error while parsing value - invalid literal"));
  CHECK(issues_of("{\"a\": 1")
            .starts_with("c.json:1: /a: not JSON: syntax error while parsing object - unexpected end of input"));
  CHECK(issues_of("{} {}").starts_with("c.json:1: not JSON: syntax error while parsing value - unexpected '{'"));
  CHECK(
      issues_of("{} /* no end").starts_with("c.json:1: not JSON: syntax error while parsing value - invalid comment"));
  CHECK(issues_of("{\"\xFF\": 1}").find("ill-formed UTF-8") != std::string::npos);
  CHECK(issues_of(" \n") == "c.json:2: the file is empty (column 1)");
  CHECK(issues_of("") == "c.json:1: the file is empty (column 1)");
}

TEST_CASE("nesting of 200 is read and a bomb of 201 or a million is refused") {
  const auto nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  CHECK(issues_of(nested(200)).empty());
  CHECK(issues_of(nested(201)) == "c.json:1: lists and objects are nested deeper than 200");
  CHECK(issues_of(std::string(1000000, '[')) == "c.json:1: lists and objects are nested deeper than 200");
}

}  // namespace
