#include "tempera/core/config/parse.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "tempera/core/config/json_fault.hpp"

namespace tempera::core {
namespace {

using Json = nlohmann::json;

// Walks over the text and tells `seen` how far the lexer has read, which is how events get their line.
class TrackingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  TrackingIterator(const char* at, const char** seen) : at_(at), seen_(seen) {}
  reference operator*() const { return *at_; }
  TrackingIterator& operator++() {
    *seen_ = ++at_;
    return *this;
  }
  TrackingIterator operator++(int) {
    TrackingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const TrackingIterator& other) const { return at_ == other.at_; }

 private:
  const char* at_;
  const char** seen_;
};

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '+' || c == '.'; }

// The word around position `at`, such as the "-Infinity" whose third letter the lexer stumbled over.
std::string_view word_around(std::string_view text, std::size_t at) {
  std::size_t begin = std::min(at, text.size());
  std::size_t end = begin;
  while (begin > 0 && is_word(text[begin - 1])) --begin;
  while (end < text.size() && is_word(text[end])) ++end;
  return text.substr(begin, end - begin);
}

bool is_not_finite(std::string_view word) {
  if (!word.empty() && (word[0] == '-' || word[0] == '+')) word.remove_prefix(1);
  std::string lower(word);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower == "nan" || lower == "inf" || lower == "infinity";
}

bool after_comma(std::string_view text, std::size_t at) {
  while (at > 0 && std::isspace(static_cast<unsigned char>(text[at - 1])) != 0) --at;
  return at > 0 && text[at - 1] == ',';
}

/// Receives the events of nlohmann's parser and builds the tree.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  Builder(std::string_view text, const std::string& file, std::vector<ConfigIssue>& issues)
      : text_(text), file_(file), issues_(issues), seen_(text.data()), counted_(text.data()) {}

  const char** seen() { return &seen_; }
  std::optional<ConfigValue> result;

  bool null() override { return add({}); }
  bool boolean(bool value) override { return add(ConfigValue::of(value)); }
  bool number_integer(number_integer_t value) override { return add(ConfigValue::of(std::int64_t{value})); }
  bool number_unsigned(number_unsigned_t value) override {
    const bool fits = value <= static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max());
    return add(fits ? ConfigValue::of(static_cast<std::int64_t>(value)) : ConfigValue::of(static_cast<double>(value)));
  }
  bool number_float(number_float_t value, const string_t& /*text*/) override { return add(ConfigValue::of(value)); }
  bool string(string_t& value) override { return add(ConfigValue::of(std::move(value))); }
  bool binary(binary_t& /*value*/) override { return false; }  // cannot come from text
  bool start_object(std::size_t /*count*/) override { return open(ConfigValue::object()); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t /*count*/) override { return open(ConfigValue::list()); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    Frame& frame = frames_.back();
    frame.key_line = line();
    const auto [known, fresh] = frame.lines.emplace(name, frame.key_line);
    frame.repeated = !fresh;
    if (!fresh) {
      issue(frame.key_line, child_pointer(pointer(frames_.size() - 1), name),
            fmt::format("key \"{}\" stands twice in this object, first in line {}", shortened(name), known->second));
    }
    frame.key = std::move(name);
    return true;
  }

  bool parse_error(std::size_t position, const std::string& /*token*/, const Json::exception& error) override {
    const std::size_t at = position == 0 ? 0 : std::min(position, text_.size() + 1) - 1;  // of the offending character
    const std::string_view before = text_.substr(0, at);
    const auto lines = std::count(before.begin(), before.end(), '\n');
    const std::size_t column = at - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0
    issue(static_cast<int>(lines) + 1, frames_.empty() ? "" : pointer(frames_.size()),
          fmt::format("{} (column {})", explanation(at, error), column));
    return false;
  }

 private:
  struct Frame {
    ConfigValue value;
    std::string key;        // of the member that comes next or is open
    int key_line = 0;       // where that key stands
    bool repeated = false;  // that key was there before: drop the value
    std::unordered_map<std::string, int> lines;
  };

  // Line of the last character read but one: that one is a delimiter after a number, and the token's own end otherwise.
  int line() {
    while (counted_ + 1 < seen_) {
      if (*counted_++ == '\n') ++line_;
    }
    return line_;
  }

  // Pointer of the value that comes next in the frame below `depth`.
  std::string pointer(std::size_t depth) const {
    std::string path;
    for (std::size_t i = 0; i < depth; ++i) {
      const Frame& frame = frames_[i];
      const bool list = frame.value.is(ConfigValue::Kind::kList);
      if (!list && frame.key_line == 0) break;  // no key read yet
      path = list ? child_pointer(path, frame.value.items.size()) : child_pointer(path, frame.key);
    }
    return path;
  }

  void issue(int line, std::string pointer, std::string message) {
    issues_.push_back({.file = file_, .line = line, .pointer = std::move(pointer), .message = std::move(message)});
  }

  bool add(ConfigValue value) {
    if (value.place.line == 0) value.place = {file_, line()};
    if (frames_.empty()) {
      result = std::move(value);
      return true;
    }
    Frame& frame = frames_.back();
    if (frame.value.is(ConfigValue::Kind::kList)) {
      frame.value.items.push_back(std::move(value));
    } else if (!frame.repeated) {
      value.place.line = frame.key_line;
      frame.value.members.push_back({frame.key, std::move(value)});
    }
    return true;
  }

  bool open(ConfigValue value) {
    if (frames_.size() >= kMaxConfigDepth) {
      issue(line(), "", fmt::format("lists and objects are nested deeper than {}", kMaxConfigDepth));
      return false;
    }
    value.place = {file_, line()};
    frames_.emplace_back().value = std::move(value);
    return true;
  }

  bool close() {
    ConfigValue value = std::move(frames_.back().value);
    frames_.pop_back();
    return add(std::move(value));
  }

  std::string explanation(std::size_t at, const Json::exception& error) const {
    if (error.id == 406) return fmt::format("number {} is too large for a double", shortened(word_around(text_, at)));
    if (text_.find_first_not_of(" \t\r\n") == std::string_view::npos) return "the file is empty";
    const std::string_view word = word_around(text_, at);
    if (is_not_finite(word)) return fmt::format("{} is not a JSON number: numbers must be finite", word);
    std::string what = json_explanation(error.what());
    if (at < text_.size() && (text_[at] == '}' || text_[at] == ']') && after_comma(text_, at)) {
      what = "a comma before the closing bracket";
    }
    return "not JSON: " + what;
  }

  std::string_view text_;
  const std::string& file_;
  std::vector<ConfigIssue>& issues_;
  const char* seen_;
  const char* counted_;
  int line_ = 1;
  std::vector<Frame> frames_;
};

}  // namespace

std::optional<ConfigValue> parse_config(std::string_view text, const std::string& file,
                                        std::vector<ConfigIssue>& issues) {
  Builder builder(text, file, issues);
  const TrackingIterator begin(text.data(), builder.seen());
  const TrackingIterator end(text.data() + text.size(), builder.seen());
  if (!Json::sax_parse(begin, end, &builder, Json::input_format_t::json, true, true)) return std::nullopt;
  return std::move(builder.result);
}

}  // namespace tempera::core
