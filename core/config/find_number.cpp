#include "tempera/core/config/find_number.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <span>
#include <utility>

#include "tempera/core/config/ignoring_visitor.hpp"
#include "tempera/core/config/nearest.hpp"
#include "tempera/core/errors.hpp"

namespace tempera::core {
namespace {

constexpr std::size_t kNoIndex = std::numeric_limits<std::size_t>::max();

// The text of the field "name", by which an element of a list can be addressed.
class NameProbe final : public IgnoringVisitor {
 public:
  using IgnoringVisitor::field;
  void field(std::string_view name, std::string& value, const FieldDoc& /*doc*/) override {
    if (name == "name") found = value;
  }
  std::string found;
};

class NumberFinder final : public IgnoringVisitor {
 public:
  explicit NumberFinder(std::span<const std::string> path) : path_(path) {}

  NumberField found;
  std::string problem;             // why what the path names cannot be taken
  std::vector<std::string> names;  // what could have stood at the place where the path fails
  std::size_t depth = 0;           // how many parts of the path were good

  // After all fields were seen: the names of the level where the search ended.
  void settle() {
    if (went_in_) names = std::move(inner_names_);
  }

  using IgnoringVisitor::field;
  void field(std::string_view name, double& value, const FieldDoc& doc) override {
    if (matches(name) && last()) take(value, doc);
  }
  void field(std::string_view name, std::optional<double>& value, const FieldDoc& doc) override {
    if (!matches(name) || !last()) return;
    if (value) {
      take(*value, doc);
    } else {
      problem = "is not set";
    }
  }
  void field(std::string_view name, std::vector<double>& value, const FieldDoc& doc) override {
    if (!matches(name) || last()) return;
    const std::size_t index = index_of(path_[1]);
    if (index < value.size() && path_.size() == 2) take(value[index], doc);
  }
  void field(std::string_view name, std::int64_t& /*value*/, const FieldDoc& /*doc*/) override {
    if (matches(name)) problem = "is an integer, which cannot take the values between";
  }
  void object(std::string_view name, const FieldsFn& fields, bool* present, const FieldDoc& /*doc*/) override {
    if (!matches(name) || last()) return;
    if (present != nullptr && !*present) {
      problem = fmt::format("is part of \"{}\", which is not set", name);
    } else {
      descend(path_.subspan(1), fields, 1);
    }
  }
  void list(std::string_view name, std::size_t size, const std::function<void(std::size_t)>& /*resize*/,
            const std::function<FieldsFn(std::size_t)>& element, const FieldDoc& /*doc*/) override {
    if (matches(name) && !last()) enter_element(size, element);
  }
  void typed(std::string_view name, const TypeCatalog& /*catalog*/, std::unique_ptr<Configurable>& value,
             const FieldDoc& /*doc*/) override {
    if (matches(name) && !last() && value) {
      descend(
          path_.subspan(1), [&value](FieldVisitor& v) { value->fields(v); }, 1);
    }
  }
  void typed_list(std::string_view name, const TypeCatalog& /*catalog*/,
                  std::vector<std::unique_ptr<Configurable>>& value, const FieldDoc& /*doc*/) override {
    if (!matches(name) || last()) return;
    enter_element(value.size(), [&value](std::size_t i) -> FieldsFn {
      return [&item = *value[i]](FieldVisitor& v) { item.fields(v); };
    });
  }

 private:
  bool matches(std::string_view name) {
    names.emplace_back(name);
    return name == path_[0];
  }
  [[nodiscard]] bool last() const { return path_.size() == 1; }
  // Without the texts, which may be gone with the visit.
  void take(double& value, const FieldDoc& doc) {
    found = {
        .value = &value,
        .range = {.help = {}, .min = doc.min, .max = doc.max, .above_min = doc.above_min, .below_max = doc.below_max}};
  }

  void enter_element(std::size_t size, const std::function<FieldsFn(std::size_t)>& element) {
    std::vector<std::string> known;
    for (std::size_t i = 0; i < size; ++i) {
      NameProbe probe;
      element(i)(probe);
      if (index_of(path_[1]) == i || (!probe.found.empty() && probe.found == path_[1])) {
        if (path_.size() > 2) descend(path_.subspan(2), element(i), 2);
        return;
      }
      known.push_back(probe.found.empty() ? std::to_string(i) : probe.found);
    }
    depth = 1;
    inner_names_ = std::move(known);
    went_in_ = true;
  }

  void descend(std::span<const std::string> rest, const FieldsFn& fields, std::size_t parts) {
    NumberFinder finder(rest);
    fields(finder);
    finder.settle();
    found = finder.found;
    problem = finder.problem;
    depth = parts + finder.depth;
    inner_names_ = std::move(finder.names);
    went_in_ = true;
  }

  std::span<const std::string> path_;
  std::vector<std::string> inner_names_;
  bool went_in_ = false;
};

}  // namespace

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const std::size_t dot = path.find('.');
    parts.emplace_back(path.substr(0, dot));
    if (dot == std::string_view::npos) return parts;
    path.remove_prefix(dot + 1);
    if (path.empty()) parts.emplace_back();
  }
  return parts;
}

std::size_t index_of(std::string_view part) noexcept {
  std::size_t index = kNoIndex;
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), index);
  const bool whole = error == std::errc{} && end == part.data() + part.size() && !part.empty();
  return whole ? index : kNoIndex;
}

double& find_number(const FieldsFn& fields, std::string_view path) { return *find_number_field(fields, path).value; }

NumberField find_number_field(const FieldsFn& fields, std::string_view path) {
  const std::vector<std::string> parts = split_path(path);
  if (parts.empty()) throw ConfigError("an empty path names no number");
  NumberFinder finder(parts);
  fields(finder);
  finder.settle();
  if (finder.found.value != nullptr) return finder.found;
  if (!finder.problem.empty()) throw ConfigError(fmt::format("\"{}\" {}", path, finder.problem));
  const std::string& wrong = parts[std::min(finder.depth, parts.size() - 1)];
  const bool known = std::find(finder.names.begin(), finder.names.end(), wrong) != finder.names.end();
  throw ConfigError(known ? fmt::format("\"{}\" is not a number", path)
                          : fmt::format("\"{}\" names no number: nothing numeric is called \"{}\"{}", path, wrong,
                                        suggestion(wrong, finder.names)));
}

}  // namespace tempera::core
