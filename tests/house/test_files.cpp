// What every file of the tree keeps to.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include "house/tree.hpp"

namespace house = tempera::house;

namespace {

const std::vector<std::string> kSources{".hpp", ".cpp", ".ipp", ".def"};

std::ptrdiff_t lines_of(const house::SourceFile& file) { return std::ranges::count(file.text, '\n'); }

// Allowed are doctest's switches and TEMPERA_…, which is how a .def list is read.
bool defines_a_macro(const std::string& line) {
  return line.rfind("#define ", 0) == 0 && line.rfind("#define DOCTEST_CONFIG_", 0) != 0 &&
         line.rfind("#define TEMPERA_", 0) != 0;
}

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines(1);
  for (const char c : text) c == '\n' ? lines.emplace_back().clear() : lines.back().push_back(c);
  return lines;
}

}  // namespace

TEST_CASE("no source file is longer than 400 lines") {
  auto files = house::read_tree("", kSources);
  REQUIRE(!files.empty());
  std::ranges::sort(files, std::ranges::greater{}, lines_of);
  for (std::size_t i = 0; i < std::min<std::size_t>(5, files.size()); ++i) {
    MESSAGE(files[i].path << ": " << lines_of(files[i]) << " lines");
  }
  MESSAGE("median: " << lines_of(files[files.size() / 2]) << " lines of " << files.size() << " files");
  for (const auto& file : files) {
    if (lines_of(file) > 400) FAIL_CHECK(file.path << " has " << lines_of(file) << " lines: it is two ideas");
  }
}

TEST_CASE("no file names a place on the machine it was written on") {
  // Put together here, so that this file does not name them either.
  const std::vector<std::string> places{std::string("/wo") + "rk/", std::string("/opt/pe") + "ers",
                                        std::string("/ro") + "ot/", std::string("/ho") + "me/"};
  for (const auto& file : house::read_tree("", {})) {
    for (const auto& place : places) {
      if (file.text.find(place) != std::string::npos) FAIL_CHECK(file.path << " contains " << place);
    }
    // A command of a page of results is for anyone to repeat.
    const bool of_results = file.path.starts_with("docs/results/");
    if (of_results && file.text.find("/tmp/") != std::string::npos) FAIL_CHECK(file.path << " contains /tmp/");
  }
}

TEST_CASE("no source file defines a macro of its own") {
  for (const auto& file : house::read_tree("", kSources)) {
    for (const auto& line : split_lines(file.text)) {
      if (defines_a_macro(line)) FAIL_CHECK(file.path << ": " << line);
    }
  }
}

TEST_CASE("every header starts with a sentence on what it is and has one include guard, pragma once") {
  for (const auto& file : house::read_tree("", {".hpp"})) {
    if (file.text.rfind("//", 0) != 0) FAIL_CHECK(file.path << " does not start with a comment");
    if (file.text.find("\n#pragma once\n") == std::string::npos) FAIL_CHECK(file.path << " has no #pragma once");
  }
}

TEST_CASE("no file leaves work for later") {
  const std::vector<std::string> marks{std::string("TO") + "DO", std::string("FIX") + "ME", std::string("XX") + "X:"};
  for (const auto& file : house::read_tree("", {".hpp", ".cpp", ".ipp", ".def", ".md", ".txt", ".cmake", ".py"})) {
    for (const auto& mark : marks) {
      if (file.text.find(mark) != std::string::npos) FAIL_CHECK(file.path << " contains " << mark);
    }
  }
}

TEST_CASE("every link between the documents leads to a file") {
  static const std::regex kLink(R"re(\]\(([^)#:]+)(#[^)]*)?\))re");  // a colon makes it an address elsewhere
  for (const auto& file : house::read_tree("", {".md"})) {
    for (std::sregex_iterator it(file.text.begin(), file.text.end(), kLink), end; it != end; ++it) {
      const auto target =
          std::filesystem::path(TEMPERA_SOURCE_DIR) / std::filesystem::path(file.path).parent_path() / (*it)[1].str();
      if (!std::filesystem::exists(target)) FAIL_CHECK(file.path << " links to " << (*it)[1].str());
    }
  }
}
