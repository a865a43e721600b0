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

TEST_CASE("a dry run of a study says how many runs it would be, and makes none") {
  TemporaryFolder folder;
  std::vector<std::string> arguments = study(folder / "out", "[1, 2, 3]");
  arguments.emplace_back("--dry-run");
  const Finished done = run_tempera(arguments);
  CHECK(done.status == 0);
  CHECK_MESSAGE(has(done.err, "valid, a study of 3 runs"), done.err);
  CHECK_FALSE(fs::exists(folder / "out"));
  CHECK_FALSE(has(run_tempera({"run", "configs/smoke.json", "--dry-run"}).err, "a study"));
}

TEST_CASE("a study says which of its runs failed and why, on its page, in its tables and in study.csv") {
  TemporaryFolder folder;
  const fs::path out = folder / "out";
  const Finished done = run_tempera(smoke(out, {"--set", "study.vary={\"optimizer.learning_rate\": [0.05, 1e30]}"}));
  CHECK(done.status == 1);
  const nlohmann::json failed = json_in(out / "study.json")["runs"][1];
  REQUIRE(failed["status"] == "failed");
  const std::string name = failed["folder"], why = failed["error"];
  CHECK(why.size() > 10);
  const std::string told = why.substr(0, why.find_first_of("\"'<>&"));  // as far as nothing is escaped
  CHECK(has(content(out / "report.html"), "Failed: " + name + ": " + told));
  REQUIRE(run_tempera({"report", out.string(), "--markdown", (folder / "table.md").string()}).status == 0);
  CHECK(has(content(folder / "table.md"), "- failed: " + name + ": " + told));
  CHECK(has(content(out / "study.csv"), ",seconds,arithmetic,bytes,error\n"));
  CHECK(has(content(out / "study.csv"), told));
}

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

TEST_CASE("a study whose study.json cannot be read is refused by that file's name, and goes on once it is removed") {
  TemporaryFolder folder;
  const fs::path out = folder / "out";
  REQUIRE(run_tempera(study(out, "[1]")).status == 0);
  const std::string table = content(out / "study.csv");
  write(out / "study.json", "{\"format\": 1,");
  const Finished refused = run_tempera(study(out, "[1]"));
  CHECK(refused.status == 1);
  CHECK_MESSAGE(has(refused.err, "study.json: is unreadable"), refused.err);
  CHECK(content(out / "study.json") == "{\"format\": 1,");
  fs::remove(out / "study.json");
  CHECK(run_tempera(study(out, "[1]")).status == 0);
  CHECK(content(out / "study.csv") == table);
}

TEST_CASE("a figure of a study is refused, and nothing is written") {
  TemporaryFolder folder;
  const fs::path out = folder / "out";
  REQUIRE(run_tempera(study(out, "[1]")).status == 0);
  for (const std::string option : {"--out", "--markdown"}) {
    const Finished done =
        run_tempera({"report", out.string(), "--figure", "temperature", option, (folder / "f.svg").string()});
    CHECK(done.status == 2);
    CHECK_MESSAGE(has(done.err, "is a study"), done.err);
    CHECK_FALSE(fs::exists(folder / "f.svg"));
  }
}

// Oracle: a shell, which runs what the document says in an empty folder and gets the same document, but for times.
TEST_CASE("the commands in a study's document make it again, whatever its folder and its config are called") {
  TemporaryFolder folder;
  const fs::path first = folder / "first", second = folder / "second";
  for (const fs::path& place : {first, second}) {
    write(place / "my study.json",
          R"({"extends": ")" + fs::absolute("configs/smoke.json").string() + R"(", "train": {"epochs": 1}})");
  }
  const auto made = [&](const std::vector<std::string>& out, const std::string& name) {
    std::vector<std::string> arguments{"run", "my study.json", "--set", R"(study.vary={"seed": [1]})"};
    arguments.insert(arguments.end(), out.begin(), out.end());
    REQUIRE(run({.arguments = arguments, .folder = first}).status == 0);
    std::string at = name;
    if (out.empty()) at = fs::directory_iterator(first / "runs")->path().string();
    REQUIRE(run({.arguments = {"report", at, "--markdown", "y.md"}, .folder = first}).status == 0);
    const std::string text = content(first / "y.md");
    const std::size_t begin = text.find("the program: `") + 14;
    const std::string commands = text.substr(begin, text.find('`', begin) - begin);
    const Finished again =
        run({.arguments = {"--version"}, .folder = second, .shell = "tempera() { \"$0\" \"$@\"; }; " + commands});
    CHECK_MESSAGE(again.status == 0, again.err);
    CHECK(content(second / "y.md") == text);
    return commands;
  };
  CHECK_FALSE(has(made({}, ""), "--out"));
  CHECK(has(made({"--out", "sub/st 2"}, "sub/st 2"), "--out 'sub/st 2' && tempera report 'sub/st 2'"));
}
