#include "smoke.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace program {
namespace fs = std::filesystem;

std::vector<std::string> smoke(const fs::path& out, const std::vector<std::string>& more) {
  std::vector<std::string> arguments{"run", "configs/smoke.json", "--out", out.string()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

const fs::path& finished_smoke() {
  static const TemporaryFolder home;
  static const fs::path folder = [] {
    const Finished made = run_tempera(smoke(home / "smoke"));
    if (made.status != 0) throw std::runtime_error("the smoke run failed: " + made.err);
    return home / "smoke";
  }();
  return folder;
}

const fs::path& finished_smoke_quant() {
  static const TemporaryFolder home;
  static const fs::path folder = [] {
    const Finished made = run_tempera({"run", "configs/smoke-quant.json", "--out", (home / "quant").string()});
    if (made.status != 0) throw std::runtime_error("the quantized smoke run failed: " + made.err);
    return home / "quant";
  }();
  return folder;
}

nlohmann::json result(std::vector<std::string> arguments) {
  arguments.emplace_back("--json");
  const Finished done = run_tempera(arguments);
  REQUIRE_MESSAGE(done.status == 0, done.err);
  return nlohmann::json::parse(done.out);
}

nlohmann::json json_in(const fs::path& file) { return nlohmann::json::parse(content(file)); }

std::vector<nlohmann::json> metrics_without_times(const fs::path& run) {
  std::vector<nlohmann::json> lines;
  std::istringstream text(content(run / "metrics.jsonl"));
  for (std::string line; std::getline(text, line);) {
    lines.push_back(nlohmann::json::parse(line));
    lines.back().erase("seconds");
    lines.back().erase("samples_per_second");
  }
  return lines;
}

fs::path write(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
  return file;
}

}  // namespace program
