#include "tempera/datasets/locate.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <system_error>

#include "tempera/datasets/fetch.hpp"

namespace tempera::data {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNamed = "data.dir";

struct Place {
  fs::path folder;
  std::string why;
};

std::vector<Place> places(const KnownSet& set, const std::optional<std::string>& dir, const Environment& environment) {
  std::vector<Place> result;
  const auto add_folders = [&](const fs::path& base, const std::string& why) {
    for (const std::string_view folder : set.folders) {
      result.push_back({folder == "." ? base : base / folder, why});
    }
  };
  if (dir) result.push_back({*dir, kNamed});
  if (environment.data) add_folders(*environment.data, "TEMPERA_DATA");
  result.push_back({environment.working / set.working, "working directory"});
  if (!set.system.empty()) result.push_back({environment.system / set.system, "system"});
  if (environment.cache) add_folders(*environment.cache, "cache");
  return result;
}

/// The files found in a folder and, in words, what keeps it from being used.
struct Look {
  FileSet found;
  std::string lacks;      // empty: all four are there
  std::error_code error;  // why the folder cannot be read at all
};

Look look_in(const fs::path& folder) {
  Look look;
  const fs::directory_iterator readable(folder, look.error);
  if (look.error) {
    look.lacks = look.error == std::errc::no_such_file_or_directory ? "no such folder" : look.error.message();
    return look;
  }
  std::vector<std::string> missing;
  for (std::size_t i = 0; i < kMnistFiles.size(); ++i) {
    if (const auto file = find_file(folder, kMnistFiles[i])) {
      look.found.files[i] = *file;
    } else {
      missing.push_back(fmt::format("{}[.gz]", kMnistFiles[i]));
    }
  }
  if (!missing.empty()) look.lacks = fmt::format("without {}", fmt::join(missing, ", "));
  return look;
}

}  // namespace

std::optional<fs::path> find_file(const fs::path& folder, std::string_view stem) {
  std::string dotted(stem);
  dotted[dotted.rfind("-idx")] = '.';
  for (const std::string& spelling : {std::string(stem), dotted}) {
    for (const char* ending : {"", ".gz"}) {
      std::error_code ignored;  // what cannot be examined is not there for us
      const fs::path file = folder / (spelling + ending);
      if (fs::is_regular_file(file, ignored)) return file;
    }
  }
  return std::nullopt;
}

FileSet locate(const KnownSet& set, const std::optional<std::string>& dir, const Environment& environment) {
  std::string looked, passed_over;
  for (const Place& place : places(set, dir, environment)) {
    Look look = look_in(place.folder);
    if (look.lacks.empty()) {
      look.found.origin = fmt::format("{} ({})", place.folder.string(), place.why);
      look.found.passed_over = passed_over;
      return look.found;
    }
    if (place.why == kNamed) {
      if (look.error && look.error != std::errc::no_such_file_or_directory) {
        throw core::DataError(place.folder.string(), fmt::format("data.dir cannot be read: {}", look.lacks));
      }
      passed_over = fmt::format("{}: {}", place.folder.string(), look.lacks);
    }
    looked += fmt::format("\n  {} ({}): {}", place.folder.string(), place.why, look.lacks);
  }
  try {
    FileSet fetched = fetch(set, environment);
    fetched.passed_over = passed_over;
    return fetched;
  } catch (const FetchError& error) {
    throw SetNotFound("",
                      fmt::format("the data set {} was not found. Looked in:{}{}", set.title, looked, error.what()));
  }
}

FileSet files_in(const fs::path& folder) {
  Look look = look_in(folder);
  if (!look.lacks.empty())
    throw core::DataError(folder.string(), fmt::format("is no folder of four IDX files: {}", look.lacks));
  look.found.origin = folder.string();
  return look.found;
}

}  // namespace tempera::data
