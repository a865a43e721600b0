// Who prints what where: results on stdout, everything else on stderr, and the contract's exit statuses.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "smoke.hpp"

using namespace program;

namespace {

using Arguments = std::vector<std::string>;

// One invocation of each verb that gives a result without training.
std::vector<Arguments> results() {
  const std::string run = finished_smoke().string();
  return {{"run", "configs/smoke.json", "--out", run},
          {"run", "configs/smoke.json", "--dry-run"},
          {"eval", run},
          {"describe", run},
          {"describe", "configs/smoke.json", "--no-estimate"},
          {"compare", run, run},
          {"report", run, "--out", run + "-page.html"},
          {"hardware"},
          {"explain", "train.batch"},
          {"data", "list"},
          {"bench", "infer", "--seconds", "0.01"},
          {"bench", "kernels", "--seconds", "0.01"}};
}

}  // namespace

TEST_CASE("--json makes every verb print one JSON document on stdout and nothing else") {
  for (Arguments arguments : results()) {
    arguments.emplace_back("--json");
    const Finished done = run_tempera(arguments);
    CAPTURE(arguments);
    CHECK(done.status == 0);
    CHECK(nlohmann::json::accept(done.out));
  }
  TemporaryFolder folder;
  const Finished trained = run_tempera(smoke(folder / "run", {"--json"}));
  CHECK(trained.status == 0);
  REQUIRE(nlohmann::json::accept(trained.out));
  CHECK(nlohmann::json::parse(trained.out)["folder"] == (folder / "run").string());
  CHECK(has(trained.err, "epoch 2/2"));
}

TEST_CASE("every verb has help on stdout with status 0, and a verb or option nobody knows has status 2") {
  for (const char* verb : {"run", "eval", "describe", "compare", "report", "hardware", "explain", "data", "bench"}) {
    const Finished help = run_tempera({verb, "--help"});
    CAPTURE(verb);
    CHECK(help.status == 0);
    CHECK(has(help.out, verb));
    CHECK(help.err.empty());
    CHECK(has(run_tempera({"--help"}).out, verb));
    CHECK(run_tempera({verb, "--no-such-option"}).status == 2);
  }
  CHECK(run_tempera({"--version"}).out.starts_with("tempera "));
  CHECK(has(run_tempera({"trian", "configs/smoke.json"}).err, "trian"));
  CHECK(run_tempera({"trian", "configs/smoke.json"}).status == 2);
  CHECK(run_tempera({}).status == 2);
  CHECK(run_tempera({"run"}).status == 2);
  CHECK(run_tempera({"run", "configs/smoke.json", "--threads", "0"}).status == 2);
}

TEST_CASE("a terminal sees colours unless NO_COLOR is set, and a file never does") {
  const Arguments wrong{"explain", "train.bach"};
  const std::map<std::string, std::string> terminal{{"TERM", "xterm"}};
  CHECK(has(run({.arguments = wrong, .environment = terminal, .terminal = true}).err, "\033[31merror: "));
  const Finished plain =
      run({.arguments = wrong, .environment = {{"TERM", "xterm"}, {"NO_COLOR", "1"}}, .terminal = true});
  CHECK(has(plain.err, "error: "));
  CHECK_FALSE(has(plain.err, "\033["));
  CHECK_FALSE(has(run({.arguments = wrong, .environment = terminal}).err, "\033["));
}

TEST_CASE("a result that stdout cannot take is a failure") {
  const Finished done = run({.arguments = {"explain", "train.batch"}, .out = "/dev/full"});
  CHECK(done.status == 1);
  CHECK(has(done.err, "stdout"));
}

TEST_CASE("an instruction level that does not exist is wrong usage, said before anything is written") {
  TemporaryFolder folder;
  const Finished done = run({.arguments = smoke(folder / "run"), .environment = {{"TEMPERA_ISA", "avx1024"}}});
  CHECK(done.status == 2);
  CHECK(has(done.err, "avx1024"));
  CHECK(has(done.err, "scalar"));
  CHECK_FALSE(std::filesystem::exists(folder / "run"));
}

// Oracle: the list that the program itself gives of the levels of this processor.
TEST_CASE("an instruction level that this processor lacks is wrong usage, too") {
  const Finished here = run({.arguments = {"hardware", "--json"}});
  REQUIRE(here.status == 0);
  const auto levels = nlohmann::json::parse(here.out)["levels"].get<std::vector<std::string>>();
  for (const std::string level : {"sse42", "avx2", "avx512", "avx512vnni", "amx"}) {
    if (std::ranges::find(levels, level) != levels.end()) continue;
    const Finished done = run({.arguments = {"hardware"}, .environment = {{"TEMPERA_ISA", level}}});
    CHECK(done.status == 2);
    CHECK(has(done.err, "instruction level not available"));
  }
}

// Oracle: no instruction of a level above may be named.
TEST_CASE("what is said of the formats follows the level in use") {
  for (const std::string level : {"scalar", "sse42"}) {
    const Finished done = run({.arguments = {"hardware", "--json"}, .environment = {{"TEMPERA_ISA", level}}});
    if (done.status != 0) continue;
    for (const auto& format : nlohmann::json::parse(done.out)["formats"]) {
      const std::string by = format["by"];
      CAPTURE(level);
      CAPTURE(by);
      for (const char* above : {"AVX", "AMX", "FMA", "F16C", "VPOPCNT"}) CHECK_FALSE(has(by, above));
      if (level == "scalar") CHECK_FALSE(has(by, "pmaddwd"));
    }
  }
}

TEST_CASE("the validation part has no default of its own: its size follows from the set's") {
  const Finished done = run({.arguments = {"explain", "data.validation"}});
  REQUIRE(done.status == 0);
  CHECK_MESSAGE(has(done.out, "default  null"), done.out);
}
