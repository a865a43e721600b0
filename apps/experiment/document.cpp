#include "tempera/apps/experiment/document.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>

#include "tempera/apps/experiment/overrides.hpp"
#include "tempera/core/config/parse.hpp"

namespace tempera::cli {
namespace {

namespace fs = std::filesystem;
using core::ConfigIssue;
using core::ConfigValue;
using Kind = ConfigValue::Kind;

constexpr std::size_t kMaxBytes = std::size_t{16}
                                  << 20U;  // a config is written by hand; a data file given by mistake is not
constexpr std::size_t kMaxFiles = 100;     // a → [b, b], b → [c, c], … doubles with every file

std::string read_text(const fs::path& file, std::string& problem) {
  std::error_code error;
  if (fs::is_directory(file, error)) {
    problem = "is a folder, not a config file";
    return {};
  }
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    problem = "cannot be read: " + std::generic_category().message(errno);
    return {};
  }
  std::string text;
  std::vector<char> chunk(std::size_t{1} << 16U);
  while (in.read(chunk.data(), static_cast<std::streamsize>(chunk.size())) || in.gcount() > 0) {
    text.append(chunk.data(), static_cast<std::size_t>(in.gcount()));
    if (text.size() > kMaxBytes) {
      problem = fmt::format("is larger than the {} MB a config may have", kMaxBytes >> 20U);
      return {};
    }
  }
  if (in.bad()) problem = "cannot be read: " + std::generic_category().message(errno);
  return text;
}

/// Loads one file and, below it, those it extends.
class Loader {
 public:
  explicit Loader(std::vector<ConfigIssue>& issues) : issues_(issues) {}

  /// The merged document; nothing if this file or one below has no document. `from` is where the file was named.
  std::optional<ConfigValue> load(const fs::path& file, const ConfigIssue& from, std::string& text) {
    if (++files_ > kMaxFiles) {
      if (files_ == kMaxFiles + 1) report(from, fmt::format("extends more than {} files", kMaxFiles));
      return std::nullopt;
    }
    if (is_open(file)) {
      report(from, "extends itself: " + chain(file));
      return std::nullopt;
    }
    std::string problem;
    text = read_text(file, problem);
    if (!problem.empty()) {
      report(from, from.file.empty() ? problem : fmt::format("{} {}", file.string(), problem));
      return std::nullopt;
    }
    std::optional<ConfigValue> value = core::parse_config(text, file.string(), issues_);
    if (value && !value->is(Kind::kObject)) {
      issues_.push_back({file.string(), value->place.line, "", "must be an object { … }, got " + describe(*value)});
      return std::nullopt;
    }
    if (!value) return std::nullopt;
    value->erase("$schema");  // tells an editor which schema to check against
    return merged(file, std::move(*value));
  }

 private:
  std::optional<ConfigValue> merged(const fs::path& file, ConfigValue own) {
    const ConfigValue* extends = own.find("extends");
    if (extends == nullptr) return own;
    std::vector<const ConfigValue*> parents;
    const bool list = extends->is(Kind::kList);
    parents.reserve(extends->items.size() + 1);
    for (const ConfigValue& item : extends->items) parents.push_back(&item);
    if (!list) parents.push_back(extends);

    open_.push_back(file);
    ConfigValue result = ConfigValue::object();
    bool good = true;
    for (std::size_t i = 0; i < parents.size(); ++i) {
      const ConfigValue& parent = *parents[i];
      ConfigIssue from{parent.place.file, parent.place.line, "/extends", ""};
      if (list) from.pointer = core::child_pointer(from.pointer, i);
      if (!parent.is(Kind::kText) || parent.text.empty()) {
        report(from, "must be the path of a config file, got " + describe(parent));
        good = false;
        continue;
      }
      std::string text;
      std::optional<ConfigValue> below = load((file.parent_path() / parent.text).lexically_normal(), from, text);
      good = good && below.has_value();
      if (below) merge_config(result, std::move(*below));
    }
    open_.pop_back();
    if (!good) return std::nullopt;
    own.erase("extends");
    merge_config(result, std::move(own));
    return result;
  }

  bool is_open(const fs::path& file) const {
    return std::any_of(open_.begin(), open_.end(), [&](const fs::path& other) {
      std::error_code error;
      return fs::equivalent(file, other, error);
    });
  }

  std::string chain(const fs::path& file) const {
    std::string text;
    for (const fs::path& other : open_) text += other.string() + " → ";
    return text + file.string();
  }

  void report(ConfigIssue at, std::string message) {
    at.message = std::move(message);
    issues_.push_back(std::move(at));
  }

  std::vector<ConfigIssue>& issues_;
  std::vector<fs::path> open_;  // the files whose "extends" is being followed
  std::size_t files_ = 0;
};

bool changes_type(const ConfigValue& base, const ConfigValue& over) {
  const ConfigValue* below = base.find("type");
  const ConfigValue* above = over.find("type");
  return below != nullptr && above != nullptr && core::canonical_json(*below) != core::canonical_json(*above);
}

}  // namespace

void merge_config(ConfigValue& base, ConfigValue over) {
  if (base.is(Kind::kText) && over.is(Kind::kObject) && over.find("type") == nullptr) {
    ConfigValue object = ConfigValue::object();  // "sgd" is short for {"type": "sgd"}
    object.set("type", std::move(base));
    base = std::move(object);
  }
  if (!base.is(Kind::kObject) || !over.is(Kind::kObject) || changes_type(base, over)) {
    base = std::move(over);
    return;
  }
  base.place = over.place;
  for (core::ConfigMember& member : over.members) {
    if (ConfigValue* below = base.find(member.name)) {
      merge_config(*below, std::move(member.value));
    } else {
      base.members.push_back(std::move(member));
    }
  }
}

std::optional<ConfigDocument> load_document(const fs::path& file, std::span<const std::string> sets,
                                            std::vector<ConfigIssue>& issues) {
  Loader loader(issues);
  ConfigDocument document;
  std::optional<ConfigValue> value = loader.load(file, {.file = ""}, document.text);
  for (ConfigIssue& issue : issues) {
    if (issue.file.empty()) issue.file = file.string();
  }
  ConfigValue nothing = ConfigValue::object();
  for (const std::string& set : sets) apply_set(value ? *value : nothing, set, value.has_value(), issues);
  if (!value) return std::nullopt;
  document.value = std::move(*value);
  return document;
}

}  // namespace tempera::cli
