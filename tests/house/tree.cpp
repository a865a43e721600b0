#include "house/tree.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

namespace tempera::house {
namespace {

namespace fs = std::filesystem;

bool is_made_by_tools(const fs::path& name) {
  static const std::set<fs::path> kNames{"build", "runs", "data", ".git", ".cache", "__pycache__"};
  return kNames.contains(name);
}

bool wanted(const std::string& name, const std::vector<std::string>& endings) {
  return endings.empty() || std::ranges::any_of(endings, [&](const auto& ending) { return name.ends_with(ending); });
}

}  // namespace

std::vector<SourceFile> read_tree(const std::string& folder, const std::vector<std::string>& endings) {
  const fs::path root(TEMPERA_SOURCE_DIR);
  std::vector<SourceFile> files;
  if (!fs::exists(root / folder)) return files;
  for (fs::recursive_directory_iterator it(root / folder), end; it != end; ++it) {
    if (is_made_by_tools(it->path().filename())) {
      if (it->is_directory()) it.disable_recursion_pending();
    } else if (it->is_regular_file() && wanted(it->path().filename(), endings)) {
      std::ifstream in(it->path(), std::ios::binary);
      files.push_back({it->path().lexically_relative(root), {std::istreambuf_iterator<char>(in), {}}});
    }
  }
  std::ranges::sort(files, {}, &SourceFile::path);
  return files;
}

}  // namespace tempera::house
