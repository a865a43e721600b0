#include "tempera/core/config/json_fault.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tempera/core/config/value.hpp"

namespace tempera::core {
namespace {

using Document = nlohmann::json;

/// Takes no values, and keeps what the parser says when it gives up.
class FaultFinder final : public nlohmann::json_sax<Document> {
 public:
  explicit FaultFinder(std::string_view text) : text_(text) {}
  std::string fault;

  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool number_integer(number_integer_t /*value*/) override { return true; }
  bool number_unsigned(number_unsigned_t /*value*/) override { return true; }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return true; }
  bool string(string_t& /*value*/) override { return true; }
  bool binary(binary_t& /*value*/) override { return true; }
  bool start_object(std::size_t /*size*/) override { return true; }
  bool key(string_t& /*value*/) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t /*size*/) override { return true; }
  bool end_array() override { return true; }

  bool parse_error(std::size_t position, const std::string& /*token*/, const Document::exception& error) override {
    const std::size_t at = position == 0 ? 0 : std::min(position, text_.size() + 1) - 1;  // of the offending character
    const std::string_view before = text_.substr(0, at);
    fault = fmt::format("line {}, column {}: {}", std::ranges::count(before, '\n') + 1,
                        at - (before.rfind('\n') + 1) + 1, json_explanation(error.what()));  // npos + 1 is 0
    return false;
  }

 private:
  std::string_view text_;
};

}  // namespace

std::string json_fault(std::string_view text) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return "the file is empty";
  FaultFinder finder(text);
  return Document::sax_parse(text, &finder) ? std::string() : finder.fault;
}

std::string json_explanation(std::string_view message) {
  // "[json.exception.parse_error.101] parse error at line 1, column 3: syntax error while parsing value - unexpected '}'"
  if (const auto number = message.find("] ");
      message.starts_with("[json.exception.") && number != std::string_view::npos) {
    message.remove_prefix(number + 2);
  }
  if (message.starts_with("parse error")) {
    if (const auto place = message.find(": "); place != std::string_view::npos) message.remove_prefix(place + 2);
  }
  constexpr std::string_view kKey = "key '", kLost = "' not found", kAt = "cannot use at() with ",
                             kType = "type must be ", kBut = ", but is ";
  if (message.starts_with(kKey) && message.ends_with(kLost)) {
    message.remove_prefix(kKey.size());
    message.remove_suffix(kLost.size());
    return fmt::format("the key \"{}\" is missing", shortened(message));
  }
  if (message.starts_with(kAt)) {
    return fmt::format("an object is expected where {} stands", message.substr(kAt.size()));
  }
  if (const auto but = message.find(kBut); message.starts_with(kType) && but != std::string_view::npos) {
    return fmt::format("{} is expected where {} stands", message.substr(kType.size(), but - kType.size()),
                       message.substr(but + kBut.size()));
  }
  constexpr std::size_t kLongest = 240;
  return shortened(message, kLongest);
}

}  // namespace tempera::core
