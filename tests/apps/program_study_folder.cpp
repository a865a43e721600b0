// The folder of a study. Oracle: the rule of run folders, that nothing is written beside what belongs to something else.
#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "smoke.hpp"

using namespace program;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> study(const fs::path& out, const std::string& seeds) {
  return smoke(out, {"--set", "study.vary={\"seed\": " + seeds + "}", "--set", "train.epochs=1"});
}

}  // namespace

TEST_CASE("a study goes on in its own folder and refuses one of a run, of another study, or of anything else") {
  TemporaryFolder folder;
  const fs::path own = folder / "own";
  REQUIRE(run_tempera(study(own, "[1, 2]")).status == 0);
  const std::string table = content(own / "study.csv");
  write(own / "notes.txt", "of the user");
  const Finished again = run_tempera(study(own, "[1, 2]"));
  CHECK_MESSAGE(again.status == 0, again.err);
  CHECK(content(own / "study.csv") == table);

  const auto refused = [](const std::vector<std::string>& arguments, const std::string& said) {
    const Finished done = run_tempera(arguments);
    CHECK(done.status == 1);
    CHECK_MESSAGE(has(done.err, said), done.err);
    CHECK_MESSAGE(has(done.err, "--out"), done.err);
  };
  refused(study(own, "[1, 3]"), "belongs to another study");
  CHECK(content(own / "study.csv") == table);
  refused(study(finished_smoke(), "[1, 2]"), "holds \"");
  CHECK_FALSE(fs::exists(finished_smoke() / "study.json"));
  const fs::path foreign = write(folder / "foreign" / "thesis.tex", "").parent_path();
  refused(study(foreign, "[1, 2]"), "thesis.tex");
  CHECK(files_below(foreign) == std::vector<std::string>{"thesis.tex"});
  refused(smoke(own), "which is no run's");

  // Killed before its first table was written: its runs say whose it is.
  for (const char* name : {"study.json", "study.csv", "report.html", "notes.txt"}) fs::remove(own / name);
  CHECK(run_tempera(study(own, "[1, 2]")).status == 0);
  for (const char* name : {"study.json", "study.csv", "report.html"}) fs::remove(own / name);
  refused(study(own, "[3, 4]"), "holds \"0");
}

TEST_CASE("a study that is interrupted in its first run is known as one, and says that nothing is finished") {
  TemporaryFolder folder;
  const fs::path out = folder / "out";
  Process process({.arguments = smoke(out, {"--set", "study.vary={\"seed\": [1, 2]}", "--set", "train.epochs=400"})});
  REQUIRE(process.says("epoch 2/"));
  process.send(SIGINT);
  REQUIRE(process.finish().status == 130);
  const nlohmann::json study = json_in(out / "study.json");
  REQUIRE(study["runs"].size() == 2);
  for (const nlohmann::json& one : study["runs"]) CHECK(one["status"] == "waiting");
  CHECK(result({"compare", out.string()})["statistics"]["cells"].empty());
  CHECK(run_tempera({"report", out.string()}).status == 0);
  const Finished markdown = run_tempera({"report", out.string(), "--markdown", (folder / "y.md").string()});
  CHECK(markdown.status == 1);
  CHECK_MESSAGE(has(markdown.err, "no run of this study is completed"), markdown.err);
  const Finished evaluated = run_tempera({"eval", out.string()});
  CHECK_MESSAGE(has(evaluated.err, "is the folder of a study"), evaluated.err);
}
