#include "tempera/apps/report/json_node.hpp"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "tempera/apps/version.hpp"
#include "tempera/core/config/json_fault.hpp"
#include "tempera/core/errors.hpp"

namespace tempera::cli::report {
namespace {

constexpr std::int64_t kLargestSide = 4096;  // of a picture; a damaged file must not ask for more memory than it has

}  // namespace

JsonNode::JsonNode(const nlohmann::json& value, std::string file, std::string pointer)
    : value_(&value), file_(std::move(file)), pointer_(std::move(pointer)) {}

void JsonNode::fail(const std::string& expected) const {
  std::string came = value_->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  constexpr std::size_t kShown = 60;
  if (came.size() > kShown)
    came = std::string(value_->type_name()) + " of " + std::to_string(value_->size()) + " elements";
  throw core::DataError(file_,
                        fmt::format("{}: expected {}, got {}", pointer_.empty() ? "/" : pointer_, expected, came));
}

bool JsonNode::has(std::string_view key) const {
  if (!value_->is_object()) fail("an object");
  const auto found = value_->find(key);
  return found != value_->end() && !found->is_null();
}

JsonNode JsonNode::member(std::string_view key) const {
  if (!value_->is_object()) fail("an object");
  const auto found = value_->find(key);
  if (found == value_->end()) fail(fmt::format("an object with the key \"{}\"", key));
  return {*found, file_, fmt::format("{}/{}", pointer_, key)};
}

JsonNode JsonNode::at(std::string_view key) const {
  JsonNode found = member(key);
  if (found.value_->is_null()) found.fail("a value");
  return found;
}

std::vector<JsonNode> JsonNode::items() const {
  if (!value_->is_array()) fail("a list");
  std::vector<JsonNode> out;
  for (const auto& item : *value_) out.emplace_back(item, file_, fmt::format("{}/{}", pointer_, out.size()));
  return out;
}

std::vector<std::pair<std::string, JsonNode>> JsonNode::members() const {
  if (!value_->is_object()) fail("an object");
  std::vector<std::pair<std::string, JsonNode>> out;
  for (const auto& [key, item] : value_->items()) {
    out.emplace_back(key, JsonNode(item, file_, fmt::format("{}/{}", pointer_, key)));
  }
  return out;
}

double JsonNode::number() const {
  if (value_->is_null()) return kUnknown;
  if (!value_->is_number()) fail("a number");
  return value_->get<double>();
}

std::int64_t JsonNode::integer() const {
  if (!value_->is_number_integer()) fail("a whole number");
  if (value_->is_number_unsigned() &&
      value_->get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    fail("a whole number below 2^63");
  }
  return value_->get<std::int64_t>();
}

std::string JsonNode::text() const {
  if (!value_->is_string()) fail("a text");
  return value_->get<std::string>();
}

bool JsonNode::boolean() const {
  if (!value_->is_boolean()) fail("true or false");
  return value_->get<bool>();
}

std::vector<double> JsonNode::numbers() const {
  std::vector<double> out;
  for (const JsonNode& item : items()) out.push_back(item.number());
  return out;
}

std::vector<std::vector<double>> JsonNode::matrix() const {
  std::vector<std::vector<double>> out;
  for (const JsonNode& row : items()) {
    out.push_back(row.numbers());
    if (out.back().size() != out.front().size()) row.fail(fmt::format("a row of {} numbers", out.front().size()));
  }
  return out;
}

std::vector<std::string> JsonNode::texts() const {
  std::vector<std::string> out;
  for (const JsonNode& item : items()) out.push_back(item.text());
  return out;
}

Picture JsonNode::picture() const {
  if (value_->is_null()) return {};
  Picture out{at("height").integer(), at("width").integer(), {}};
  if (out.height < 1 || out.height > kLargestSide) at("height").fail("1 to 4096 pixels");
  if (out.width < 1 || out.width > kLargestSide) at("width").fail("1 to 4096 pixels");
  for (const JsonNode& item : at("pixels").items()) {
    const std::int64_t value = item.integer();
    if (value < 0 || value > 255) item.fail("a pixel of 0 to 255");
    out.pixels.push_back(static_cast<std::uint8_t>(value));
  }
  if (static_cast<std::int64_t>(out.pixels.size()) != out.height * out.width)
    at("pixels").fail("height × width pixels");
  return out;
}

void JsonNode::expect_format() const {
  if (at("format").integer() != kFormatVersion) at("format").fail(fmt::format("format {}", kFormatVersion));
}

void JsonNode::read(std::string_view key, std::int64_t& out) const {
  if (has(key)) out = at(key).integer();
}
void JsonNode::read(std::string_view key, std::vector<double>& out) const {
  if (has(key)) out = at(key).numbers();
}

nlohmann::json parse_json(std::string_view text, const std::string& file) {
  nlohmann::json document = nlohmann::json::parse(text, nullptr, false);
  if (document.is_discarded()) throw core::DataError(file, "is not JSON: " + core::json_fault(text));
  return document;
}

nlohmann::json picture_json(const Picture& picture) {
  if (picture.pixels.empty()) return nullptr;
  return {{"height", picture.height}, {"width", picture.width}, {"pixels", picture.pixels}};
}

std::string json_text(const nlohmann::json& document, bool indented) {
  return document.dump(indented ? 2 : -1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace tempera::cli::report
