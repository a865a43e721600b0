#include "house/includes.hpp"

#include <map>
#include <regex>
#include <set>

namespace tempera::house {
namespace {

// architecture: core → nn → quant | distill → apps, core → datasets → apps. A folder may include itself and those below.
const std::map<std::string, std::set<std::string>>& folders_below() {
  static const std::map<std::string, std::set<std::string>> kBelow{
      {"core", {}},
      {"nn", {"core"}},
      {"quant", {"core", "nn"}},
      {"distill", {"core", "nn"}},
      {"datasets", {"core"}},
      {"apps", {"core", "nn", "quant", "distill", "datasets"}},
  };
  return kBelow;
}

std::string first_folder(const std::string& path) { return path.substr(0, path.find('/')); }

bool starts_with(const std::string& text, const std::string& prefix) { return text.rfind(prefix, 0) == 0; }

std::string broken_arrow(const SourceFile& file, const std::string& name) {
  const std::string prefix = "\"tempera/";
  const bool is_part = name.ends_with(".ipp\"") && name.find('/') == std::string::npos;  // of the .cpp beside it
  if (is_part) return "";
  if (!starts_with(name, prefix)) {
    return name[0] == '"' ? "includes " + name + ", which is not written \"tempera/<folder>/…\"" : "";
  }
  const std::string from = first_folder(file.path);
  const std::string to = first_folder(name.substr(prefix.size()));
  const auto below = folders_below().find(from);
  if (below == folders_below().end() || from == to || below->second.contains(to)) return "";
  return "includes " + name + ", but " + from + " knows no " + to;
}

std::string shown_library(const SourceFile& file, const std::string& name) {
  if (!file.path.ends_with(".hpp") || file.path == "core/xt.hpp") return "";
  const bool heavy = starts_with(name, "<xtensor/") || starts_with(name, "<xsimd/") || name == "<nlohmann/json.hpp>" ||
                     name == "\"tempera/core/xt.hpp\"";
  return heavy ? "is a header and includes " + name + ", which only .cpp and .ipp files may" : "";
}

}  // namespace

std::vector<std::string> includes_of(const std::string& text) {
  static const std::regex kInclude(R"re((?:^|\n)[ \t]*#[ \t]*include[ \t]*(<[^>\n]+>|"[^"\n]+"))re");
  std::vector<std::string> names;
  for (std::sregex_iterator it(text.begin(), text.end(), kInclude), end; it != end; ++it) names.push_back((*it)[1]);
  return names;
}

std::vector<std::string> broken_include_rules(const SourceFile& file) {
  std::vector<std::string> broken;
  for (const std::string& name : includes_of(file.text)) {
    for (const std::string& reason : {broken_arrow(file, name), shown_library(file, name)}) {
      if (!reason.empty()) broken.push_back(file.path + " " + reason);
    }
    if (starts_with(name, "<xtensor/") && file.path != "core/xt.hpp") {
      broken.push_back(file.path + " includes " + name + "; xtensor is reached through core/xt.hpp");
    }
  }
  return broken;
}

}  // namespace tempera::house
