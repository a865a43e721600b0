// A place in a JSON document that knows its file and pointer, so that every misfit is reported with both.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tempera/apps/report/run_data.hpp"

namespace tempera::cli::report {

/// Does not own the document. All getters throw core::DataError (file, pointer, expected, received).
class JsonNode {
 public:
  JsonNode(const nlohmann::json& value, std::string file, std::string pointer = {});

  [[nodiscard]] bool has(std::string_view key) const;         ///< an object with that key, and not null
  [[nodiscard]] JsonNode at(std::string_view key) const;      ///< throws where the key is missing or null
  [[nodiscard]] JsonNode member(std::string_view key) const;  ///< throws where the key is missing; may be null
  [[nodiscard]] std::vector<JsonNode> items() const;          ///< of a list
  [[nodiscard]] std::vector<std::pair<std::string, JsonNode>> members() const;  ///< of an object

  [[nodiscard]] double number() const;  ///< null is NaN
  [[nodiscard]] std::int64_t integer() const;
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool boolean() const;
  [[nodiscard]] std::vector<double> numbers() const;
  [[nodiscard]] std::vector<std::vector<double>> matrix() const;  ///< rows of equal length
  [[nodiscard]] std::vector<std::string> texts() const;
  [[nodiscard]] Picture picture() const;  ///< {"height","width","pixels"}; null is none

  void expect_format() const;  ///< an object with "format", and that the one of this version

  // As above, leaving `out` as it is where the key is missing or null.
  void read(std::string_view key, std::int64_t& out) const;
  void read(std::string_view key, std::vector<double>& out) const;

  [[noreturn]] void fail(const std::string& expected) const;
  [[nodiscard]] const nlohmann::json& json() const { return *value_; }

 private:
  const nlohmann::json* value_;
  std::string file_;
  std::string pointer_;
};

/// Parses `text`; a syntax error becomes a DataError with line, column and what was expected there.
[[nodiscard]] nlohmann::json parse_json(std::string_view text, const std::string& file);

/// {"height","width","pixels"}, or null for a picture without pixels.
[[nodiscard]] nlohmann::json picture_json(const Picture& picture);

/// `text` of `document`, followed by a newline. Not a number becomes null; bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string json_text(const nlohmann::json& document, bool indented);

}  // namespace tempera::cli::report
