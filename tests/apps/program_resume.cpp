// Runs that are stopped, killed, resumed, repeated or crowded. Oracle: a run of the same config that nothing disturbed.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "smoke.hpp"

using namespace program;
namespace fs = std::filesystem;

namespace {

constexpr const char* kLongRun = "train.epochs=40";  // long enough to be struck in the middle

std::vector<std::string> long_run(const fs::path& out, bool resume = false) {
  std::vector<std::string> arguments = smoke(out, {"--set", kLongRun});
  if (resume) arguments.emplace_back("--resume");
  return arguments;
}

// The model that an undisturbed run gives.
const std::string& undisturbed() {
  static const std::string model = [] {
    TemporaryFolder folder;
    const Finished done = run_tempera(long_run(folder / "run"));
    REQUIRE_MESSAGE(done.status == 0, done.err);
    return content(folder / "run" / "model.safetensors");
  }();
  return model;
}

std::map<std::string, std::pair<std::string, fs::file_time_type>> snapshot(const fs::path& folder) {
  std::map<std::string, std::pair<std::string, fs::file_time_type>> all;
  for (const std::string& name : files_below(folder)) {
    all[name] = {content(folder / name), fs::last_write_time(folder / name)};
  }
  return all;
}

void check_complete(const fs::path& run) {
  CHECK(json_in(run / "summary.json")["status"] == "completed");
  CHECK(json_in(run / "summary.json")["training"]["steps"] == 40 * 29);
  CHECK(metrics_without_times(run).size() == 40);
  CHECK(content(run / "model.safetensors") == undisturbed());
  CHECK(leftovers(run).empty());
}

// The second of its runs, which is told from the others by its epochs, is to be struck in the middle.
std::vector<std::string> study_to_strike(const fs::path& out) {
  return smoke(out, {"--set", R"(study.vary={"train.epochs": [2, 40, 41]})"});
}

// Kills the study once it says `moment`, unless it was faster: the system may let us wait for as long as it likes.
void strike_study(const fs::path& out, const char* moment) {
  Process process({.arguments = study_to_strike(out)});
  REQUIRE(process.says(moment));
  process.send(SIGKILL);
  static_cast<void>(process.finish());
}

// study.csv but for its last column, the seconds.
std::vector<std::string> rows_without_seconds(const fs::path& study) {
  std::istringstream table(content(study / "study.csv"));
  std::vector<std::string> rows;
  std::size_t seconds = 0;  // commas before that column; no field here has one
  for (std::string row; std::getline(table, row);) {
    if (rows.empty())
      seconds = static_cast<std::size_t>(std::ranges::count(row.substr(0, row.find(",seconds")), ',')) + 1;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < seconds; ++i) begin = row.find(',', begin) + 1;
    rows.push_back(row.erase(begin, row.find(',', begin) - begin));
  }
  return rows;
}

}  // namespace

TEST_CASE("Ctrl-C leaves a checkpoint and status interrupted, ends with 130, and --resume gives the undisturbed bits") {
  TemporaryFolder folder;
  Process process({.arguments = long_run(folder / "run")});
  REQUIRE(process.says("epoch 3/"));
  process.send(SIGINT);
  const Finished stopped = process.finish();
  CHECK(stopped.status == 130);
  CHECK(has(stopped.err, "--resume"));
  CHECK(fs::exists(folder / "run" / "checkpoints" / "last.safetensors"));
  CHECK_FALSE(fs::exists(folder / "run" / "model.safetensors"));
  CHECK(json_in(folder / "run" / "summary.json")["status"] == "interrupted");
  CHECK(leftovers(folder / "run").empty());

  const Finished refused = run_tempera(long_run(folder / "run"));
  CHECK(refused.status == 1);
  CHECK(has(refused.err, "--resume"));
  const Finished evaluated = run_tempera({"eval", (folder / "run").string()});
  CHECK(evaluated.status == 1);
  CHECK(has(evaluated.err, "did not finish"));
  CHECK(run_tempera({"eval", (folder / "run" / "checkpoints" / "last.safetensors").string()}).status == 0);

  REQUIRE(run_tempera(long_run(folder / "run", true)).status == 0);
  check_complete(folder / "run");
}

TEST_CASE("SIGTERM stops a run like Ctrl-C") {
  TemporaryFolder folder;
  Process process({.arguments = long_run(folder / "run")});
  REQUIRE(process.says("epoch 1/"));
  process.send(SIGTERM);
  CHECK(process.finish().status == 130);
  CHECK(json_in(folder / "run" / "summary.json")["status"] == "interrupted");
}

TEST_CASE("a run killed with -9 at ten random moments and resumed each time ends with the undisturbed bits") {
  std::mt19937 random(20260101);
  std::uniform_int_distribution<int> moment(0, 60);  // ms after the run says where it writes
  int kills = 0;
  for (int number = 0; kills < 10; ++number) {
    REQUIRE(number < 100);
    TemporaryFolder folder;
    Finished done{.status = -SIGKILL};
    while (done.status == -SIGKILL) {
      Process process({.arguments = long_run(folder / "run", true)});
      if (kills < 10 && process.says("writing to")) {
        std::this_thread::sleep_for(std::chrono::milliseconds(moment(random)));
        process.send(SIGKILL);
      }
      done = process.finish();
      kills += done.status == -SIGKILL;
    }
    REQUIRE_MESSAGE(done.status == 0, done.err);
    check_complete(folder / "run");
  }
}

TEST_CASE(
    "a study killed with -9 in the middle of its second run goes on there and ends with the undisturbed results") {
  TemporaryFolder folder;
  REQUIRE(run_tempera(study_to_strike(folder / "whole")).status == 0);
  const nlohmann::json whole = json_in(folder / "whole" / "study.json");

  const std::string first = whole["runs"][0]["folder"], second = whole["runs"][1]["folder"];
  fs::path out;
  for (int attempt = 0; out.empty() || fs::exists(out / second / "summary.json"); ++attempt) {
    REQUIRE(attempt < 20);
    out = folder.path() / std::to_string(attempt);
    strike_study(out, "epoch 3/40");
  }
  const nlohmann::json struck = json_in(out / "study.json");
  CHECK(struck["runs"][0] == whole["runs"][0]);
  for (const int unfinished : {1, 2}) CHECK(struck["runs"][unfinished]["status"] == "waiting");
  CHECK(struck["statistics"]["cells"].size() == 1);
  CHECK(fs::exists(out / second / "checkpoints" / "last.safetensors"));
  const auto finished = snapshot(out / first);

  strike_study(out, "run 3 of 3");  // once more, as one run ends and the next begins
  const Finished done = run_tempera(study_to_strike(out));
  REQUIRE_MESSAGE(done.status == 0, done.err);
  CHECK(snapshot(out / first) == finished);
  const nlohmann::json end = json_in(out / "study.json");
  CHECK(end["runs"] == whole["runs"]);
  CHECK(end["statistics"] == whole["statistics"]);
  CHECK(rows_without_seconds(out) == rows_without_seconds(folder / "whole"));
  CHECK(leftovers(out).empty());
  CHECK(files_below(out) == files_below(folder / "whole"));
  for (const nlohmann::json& one : whole["runs"]) {
    const std::string name = one["folder"];
    CAPTURE(name);
    CHECK(content(out / name / "model.safetensors") == content(folder / "whole" / name / "model.safetensors"));
    CHECK(metrics_without_times(out / name) == metrics_without_times(folder / "whole" / name));
  }
}

TEST_CASE("a finished run is not touched by running it again") {
  TemporaryFolder folder;
  REQUIRE(run_tempera(smoke(folder / "run")).status == 0);
  const auto before = snapshot(folder / "run");
  for (const char* option : {"--json", "--resume"}) {
    const Finished again = run_tempera(smoke(folder / "run", {option}));
    CHECK(again.status == 0);
    CHECK(has(again.err, "finished"));
    CHECK(snapshot(folder / "run") == before);
  }
}

TEST_CASE("a second process is refused a folder in which one is running") {
  TemporaryFolder folder;
  Process first({.arguments = long_run(folder / "run")});
  REQUIRE(first.says("epoch 1/"));
  first.send(SIGSTOP);  // alive, and in no hurry
  const Finished second = run_tempera(long_run(folder / "run", true));
  first.send(SIGCONT);
  CHECK(second.status == 1);
  CHECK(has(second.err, "another process"));
  CHECK(first.finish().status == 0);
  check_complete(folder / "run");
}

TEST_CASE("a folder of other files, or of another run, is left exactly as it was") {
  TemporaryFolder folder;
  write(folder / "thesis" / "chapter.tex", "irreplaceable");
  const Finished foreign = run_tempera(smoke(folder / "thesis"));
  CHECK(foreign.status == 1);
  CHECK(has(foreign.err, "chapter.tex"));
  CHECK(files_below(folder / "thesis") == std::vector<std::string>{"chapter.tex"});
  CHECK_FALSE(fs::exists(folder / "thesis" / "checkpoints"));

  const auto before = snapshot(finished_smoke());
  const Finished other = run_tempera(smoke(finished_smoke(), {"--set", "seed=2", "--resume"}));
  CHECK(other.status == 1);
  CHECK(has(other.err, "another run"));
  CHECK(snapshot(finished_smoke()) == before);

  write(folder / "file", "");
  CHECK(run_tempera(smoke(folder / "file")).status == 1);
}
