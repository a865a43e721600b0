#include "tempera/core/config/reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "tempera/core/config/nearest.hpp"
#include "tempera/core/config/parse.hpp"

namespace tempera::core {
namespace {

using Kind = ConfigValue::Kind;

// The integer a value stands for: 3, and also 3.0.
std::optional<std::int64_t> whole(const ConfigValue& value) {
  if (value.is(Kind::kInteger)) return value.integer;
  constexpr double kLimit = 9223372036854775808.0;  // 2^63: doubles below it convert without overflow
  if (!value.is(Kind::kNumber) || std::trunc(value.number) != value.number) return std::nullopt;
  if (value.number < -kLimit || value.number >= kLimit) return std::nullopt;
  return static_cast<std::int64_t>(value.number);
}

// A word as it was written, anything else by its kind.
std::string called(const ConfigValue& value) {
  return value.is(Kind::kText) ? fmt::format("\"{}\"", shortened(value.text)) : describe(value);
}

class Reader final : public FieldVisitor {
 public:
  Reader(const ConfigValue& object, std::string pointer, std::vector<ConfigIssue>& issues)
      : object_(object), pointer_(std::move(pointer)), issues_(issues), issues_before_(issues.size()) {}

  void know(std::string name) { known_.push_back(std::move(name)); }

  void finish() {
    for (const ConfigMember& member : object_.members) {
      if (std::find(known_.begin(), known_.end(), member.name) != known_.end()) continue;
      report(member.name, &member.value,
             fmt::format("unknown key \"{}\"{}", shortened(member.name), suggestion(member.name, known_)));
    }
  }

  void field(std::string_view name, bool& value, const FieldDoc& doc) override { scalar(name, value, doc); }
  void field(std::string_view name, std::int64_t& value, const FieldDoc& doc) override { scalar(name, value, doc); }
  void field(std::string_view name, double& value, const FieldDoc& doc) override { scalar(name, value, doc); }
  void field(std::string_view name, std::string& value, const FieldDoc& doc) override { scalar(name, value, doc); }
  void field(std::string_view name, std::vector<std::int64_t>& value, const FieldDoc& doc) override {
    scalars(name, value, doc);
  }
  void field(std::string_view name, std::vector<double>& value, const FieldDoc& doc) override {
    scalars(name, value, doc);
  }
  void field(std::string_view name, std::vector<std::string>& value, const FieldDoc& doc) override {
    scalars(name, value, doc);
  }
  void field(std::string_view name, std::optional<bool>& value, const FieldDoc& doc) override {
    optional(name, value, doc);
  }
  void field(std::string_view name, std::optional<std::int64_t>& value, const FieldDoc& doc) override {
    optional(name, value, doc);
  }
  void field(std::string_view name, std::optional<double>& value, const FieldDoc& doc) override {
    optional(name, value, doc);
  }
  void field(std::string_view name, std::optional<std::string>& value, const FieldDoc& doc) override {
    optional(name, value, doc);
  }

  void choice(std::string_view name, std::size_t& index, std::span<const std::string_view> words,
              const FieldDoc& doc) override {
    const ConfigValue* given = take(name, doc);
    if (given == nullptr) return;
    const auto found = std::find(words.begin(), words.end(), given->text);
    if (given->is(Kind::kText) && found != words.end()) {
      index = static_cast<std::size_t>(found - words.begin());
      return;
    }
    const std::vector<std::string> known(words.begin(), words.end());
    const std::string near = given->is(Kind::kText) ? nearest(given->text, known) : "";
    const std::string hint = near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near);
    report(name, given, fmt::format("must be one of {}, got {}{}", fmt::join(known, ", "), describe(*given), hint));
  }

  void object(std::string_view name, const FieldsFn& fields, bool* present, const FieldDoc& doc) override {
    const ConfigValue* given = take(name, doc);
    if (given == nullptr && (present != nullptr || doc.required)) return;
    if (given != nullptr && given->is(Kind::kNull) && present != nullptr && !doc.required) {
      *present = false;
      return;
    }
    ConfigValue nothing = ConfigValue::object();
    nothing.place = object_.place;
    const ConfigValue& inner = given == nullptr ? nothing : *given;
    if (!expect(inner, Kind::kObject, child_pointer(pointer_, name))) return;
    if (present != nullptr) *present = true;
    read_fields(inner, fields, issues_, child_pointer(pointer_, name));
  }

  void list(std::string_view name, std::size_t /*size*/, const std::function<void(std::size_t)>& resize,
            const std::function<FieldsFn(std::size_t)>& element, const FieldDoc& doc) override {
    const ConfigValue* given = take_list(name, doc);
    if (given == nullptr) return;
    resize(0);  // elements start from their defaults, not from what stood in their place
    resize(given->items.size());
    for (std::size_t i = 0; i < given->items.size(); ++i) {
      const std::string pointer = child_pointer(child_pointer(pointer_, name), i);
      if (expect(given->items[i], Kind::kObject, pointer)) {
        read_fields(given->items[i], element(i), issues_, pointer);
      }
    }
  }

  void typed(std::string_view name, const TypeCatalog& catalog, std::unique_ptr<Configurable>& value,
             const FieldDoc& doc) override {
    const ConfigValue* given = take(name, doc);
    if (given == nullptr) return;
    if (given->is(Kind::kNull) && !doc.required) {
      value.reset();
    } else {
      read_typed(*given, catalog, value, child_pointer(pointer_, name));
    }
  }

  void typed_list(std::string_view name, const TypeCatalog& catalog, std::vector<std::unique_ptr<Configurable>>& value,
                  const FieldDoc& doc) override {
    const ConfigValue* given = take_list(name, doc);
    if (given == nullptr) return;
    value.clear();
    for (std::size_t i = 0; i < given->items.size(); ++i) {
      std::unique_ptr<Configurable> item;
      read_typed(given->items[i], catalog, item, child_pointer(child_pointer(pointer_, name), i));
      if (item) value.push_back(std::move(item));
    }
  }

  void raw(std::string_view name, std::string& json, const FieldDoc& doc) override {
    if (const ConfigValue* given = take(name, doc)) json = line_json(*given);
  }

  void derive(const std::function<void()>& fill) override { fill(); }

  void rule(bool holds, std::string_view field, const std::string& message) override {
    if (holds || issues_.size() != issues_before_ + broken_rules_) return;
    ++broken_rules_;
    const ConfigValue* given = object_.find(field);
    report(field, given == nullptr ? &object_ : given, message);
  }

 private:
  // The value given for a field; null if there is none, which is an issue if it is required.
  const ConfigValue* take(std::string_view name, const FieldDoc& doc) {
    known_.emplace_back(name);
    const ConfigValue* given = object_.find(name);
    if (given == nullptr && doc.required) {
      report(name, &object_, fmt::format("required but missing: {}", doc.help));
    }
    return given;
  }

  const ConfigValue* take_list(std::string_view name, const FieldDoc& doc) {
    const ConfigValue* given = take(name, doc);
    if (given == nullptr || !expect(*given, Kind::kList, child_pointer(pointer_, name))) return nullptr;
    return check_length(name, *given, doc) ? given : nullptr;
  }

  bool check_length(std::string_view name, const ConfigValue& given, const FieldDoc& doc) {
    const std::size_t n = given.items.size();
    if (n >= doc.min_items && n <= doc.max_items) return true;
    const std::string rule =
        n < doc.min_items ? fmt::format("at least {}", doc.min_items) : fmt::format("at most {}", doc.max_items);
    report(name, &given, fmt::format("must have {} elements, has {}", rule, n));
    return false;
  }

  void report(std::string_view name, const ConfigValue* at, std::string message) {
    report_at(child_pointer(pointer_, name), *at, std::move(message));
  }
  void report_at(std::string pointer, const ConfigValue& at, std::string message) {
    issues_.push_back({at.place.file, at.place.line, std::move(pointer), std::move(message)});
  }

  bool expect(const ConfigValue& given, Kind kind, const std::string& pointer) {
    if (given.is(kind)) return true;
    const char* what = kind == Kind::kList ? "a list [ … ]" : "an object { … }";
    report_at(pointer, given, fmt::format("must be {}, got {}", what, describe(given)));
    return false;
  }

  bool wrong(const std::string& pointer, const ConfigValue& given, const char* type, const FieldDoc& doc) {
    const std::string unit = doc.unit.empty() ? "" : fmt::format(" ({})", doc.unit);
    report_at(pointer, given, fmt::format("must be {}{}, got {}", type, unit, describe(given)));
    return false;
  }

  bool convert(const ConfigValue& given, bool& value, const std::string& pointer, const FieldDoc& doc) {
    if (!given.is(Kind::kBool)) return wrong(pointer, given, "true or false", doc);
    value = given.flag;
    return true;
  }
  bool convert(const ConfigValue& given, std::string& value, const std::string& pointer, const FieldDoc& doc) {
    if (!given.is(Kind::kText)) return wrong(pointer, given, "text", doc);
    value = given.text;
    return true;
  }
  bool convert(const ConfigValue& given, std::int64_t& value, const std::string& pointer, const FieldDoc& doc) {
    const std::optional<std::int64_t> number = whole(given);
    const bool too_large = given.is(Kind::kNumber) && std::trunc(given.number) == given.number;
    if (!number) return wrong(pointer, given, too_large ? "an integer of 64 bits with sign" : "an integer", doc);
    return assign(given, static_cast<double>(*number), *number, value, pointer, doc);
  }
  bool convert(const ConfigValue& given, double& value, const std::string& pointer, const FieldDoc& doc) {
    if (!given.is(Kind::kInteger) && !given.is(Kind::kNumber)) return wrong(pointer, given, "a number", doc);
    const double number = given.is(Kind::kInteger) ? static_cast<double>(given.integer) : given.number;
    return assign(given, number, number, value, pointer, doc);
  }
  template <class T>
  bool assign(const ConfigValue& given, double number, T exact, T& value, const std::string& pointer,
              const FieldDoc& doc) {
    if (!in_range(number, doc)) {
      const std::string_view instead = number < doc.min ? doc.too_small : std::string_view();
      report_at(pointer, given,
                fmt::format("must be {}, got {}{}{}", range_text(doc), exact, instead.empty() ? "" : "; ", instead));
      return false;
    }
    value = exact;
    return true;
  }

  template <class T>
  void scalar(std::string_view name, T& value, const FieldDoc& doc) {
    if (const ConfigValue* given = take(name, doc)) convert(*given, value, child_pointer(pointer_, name), doc);
  }

  template <class T>
  void optional(std::string_view name, std::optional<T>& value, const FieldDoc& doc) {
    const ConfigValue* given = take(name, doc);
    if (given == nullptr) return;
    if (given->is(Kind::kNull) && !doc.required) {
      value.reset();
    } else if (T read{}; convert(*given, read, child_pointer(pointer_, name), doc)) {
      value = std::move(read);
    }
  }

  template <class T>
  void scalars(std::string_view name, std::vector<T>& value, const FieldDoc& doc) {
    const ConfigValue* given = take(name, doc);
    if (given == nullptr) return;
    const std::string pointer = child_pointer(pointer_, name);
    if (T bare{}; doc.single && given->is_scalar()) {
      if (convert(*given, bare, pointer, doc)) value = {std::move(bare)};
      return;
    }
    if (!expect(*given, Kind::kList, pointer) || !check_length(name, *given, doc)) return;
    std::vector<T> read(given->items.size());
    bool good = true;
    for (std::size_t i = 0; i < read.size(); ++i) {
      T item{};
      good = convert(given->items[i], item, child_pointer(pointer, i), doc) && good;
      read[i] = std::move(item);
    }
    if (good) value = std::move(read);
  }

  // {"type": "sgd", …}, or "sgd" for its defaults. Without "type", the type that the default has.
  void read_typed(const ConfigValue& given, const TypeCatalog& catalog, std::unique_ptr<Configurable>& value,
                  const std::string& pointer) {
    const bool word = given.is(Kind::kText);
    if (!word && !expect(given, Kind::kObject, pointer)) return;
    const ConfigValue* type = word ? &given : given.find("type");
    const std::vector<std::string> names = catalog.names();
    if (type == nullptr) {
      if (value == nullptr) {
        report_at(pointer, given, fmt::format("needs \"type\", one of {}", fmt::join(names, ", ")));
        return;
      }
    } else {
      std::unique_ptr<Configurable> fresh = type->is(Kind::kText) ? catalog.create(type->text) : nullptr;
      if (fresh == nullptr) {
        const std::string near = type->is(Kind::kText) ? nearest(type->text, names) : "";
        const std::string hint = near.empty() ? "" : fmt::format("did you mean \"{}\"? ", near);
        report_at(
            word ? pointer : pointer + "/type", *type,
            fmt::format("unknown {} {}; {}known are {}", catalog.kind(), called(*type), hint, fmt::join(names, ", ")));
        return;
      }
      value = std::move(fresh);
    }
    if (word) {
      ConfigValue nothing = ConfigValue::object();
      nothing.place = given.place;
      return read_one(nothing, *value, pointer);
    }
    read_one(given, *value, pointer);
  }

  void read_one(const ConfigValue& given, Configurable& value, const std::string& pointer) {
    Reader reader(given, pointer, issues_);
    reader.know("type");
    value.fields(reader);
    reader.finish();
  }

  const ConfigValue& object_;
  std::string pointer_;
  std::vector<ConfigIssue>& issues_;
  std::size_t issues_before_;
  std::size_t broken_rules_ = 0;
  std::vector<std::string> known_;
};

}  // namespace

void read_fields(const ConfigValue& object, const FieldsFn& fields, std::vector<ConfigIssue>& issues,
                 std::string_view pointer) {
  Reader reader(object, std::string(pointer), issues);
  fields(reader);
  reader.finish();
}

void read_json(std::string_view json, const std::string& file, const FieldsFn& fields) {
  std::vector<ConfigIssue> issues;
  const std::optional<ConfigValue> value = parse_config(json, file, issues);
  if (value && !value->is(Kind::kObject)) {
    issues.push_back({file, value->place.line, "", "must be an object { … }, got " + describe(*value)});
  } else if (value) {
    read_fields(*value, fields, issues);
  }
  if (!issues.empty()) throw ConfigError(std::move(issues));
}

bool in_range(double x, const FieldDoc& doc) noexcept {
  return (doc.above_min ? x > doc.min : x >= doc.min) && (doc.below_max ? x < doc.max : x <= doc.max);
}

std::string range_text(const FieldDoc& doc) {
  std::string text;
  if (std::isfinite(doc.min)) text = fmt::format("{} {}", doc.above_min ? ">" : "≥", doc.min);
  if (std::isfinite(doc.max)) {
    text += fmt::format("{}{} {}", text.empty() ? "" : " and ", doc.below_max ? "<" : "≤", doc.max);
  }
  if (!text.empty() && !doc.unit.empty()) text += fmt::format(" ({})", doc.unit);
  return text;
}

}  // namespace tempera::core
