// The live table of a study, on an emulated terminal. Oracles: what the study's own files say, with Student's t of one degree of
// freedom from a table; the size of the terminal.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "screen.hpp"
#include "smoke.hpp"
#include "tempera/apps/experiment/study_table.hpp"

using namespace program;
using namespace tempera::cli;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr double kT1 = 12.7062047;  // 97.5 % quantile of Student's t with one degree of freedom

// Two learning rates and two paired seeds.
std::vector<std::string> study(const TemporaryFolder& folder, const std::string& rates = "[0.05, 0.02]") {
  const fs::path config =
      write(folder / "study.json", R"({"extends": ")" + fs::absolute("configs/smoke.json").string() +
                                       R"(", "name": "rates", "train": {"epochs": 2},
      "study": {"vary": {"optimizer.learning_rate": )" +
                                       rates + R"(, "seed": [1, 2]}, "pair_by": "seed"}})");
  return {"run", config.string(), "--out", (folder / "out").string()};
}

Finished on_terminal(const std::vector<std::string>& arguments, unsigned short columns, unsigned short rows,
                     const std::map<std::string, std::string>& more = {}) {
  std::map<std::string, std::string> environment = more;
  environment.emplace("TERM", "xterm");
  return run({.arguments = arguments, .environment = environment, .terminal = true, .columns = columns, .rows = rows});
}

std::vector<std::string> shown(const Finished& done, std::size_t columns, std::size_t rows) {
  Screen screen(columns, rows);
  screen.show(done.err);
  CHECK(screen.strange() == 0);
  return screen.lines();
}

// From the table's header on.
std::vector<std::string> table_in(const std::vector<std::string>& lines) {
  const auto header = std::ranges::find_if(lines, [](const std::string& line) { return has(line, "  setting"); });
  return {header, lines.end()};
}

std::string row_of(const json& results, double rate) {
  std::vector<double> accuracy;
  for (const json& one : results["runs"]) {
    if (one["overrides"]["optimizer.learning_rate"] == rate) accuracy.push_back(one["test"]["accuracy"].get<double>());
  }
  REQUIRE(accuracy.size() == 2);
  const double mean = (accuracy[0] + accuracy[1]) / 2, half = kT1 * std::abs(accuracy[0] - accuracy[1]) / 2;
  return fmt::format("{:.2f}  {:.2f} … {:.2f}", 100 * mean, 100 * (mean - half), 100 * (mean + half));
}

std::vector<StudyRow> many_rows(std::size_t n, std::size_t working) {
  std::vector<StudyRow> rows(n);
  for (std::size_t i = 0; i < n; ++i) {
    rows[i].setting = fmt::format("bits {}, way QAT, network large", i);
    rows[i].total = 5;
    rows[i].at_work = i == working;
  }
  rows[0].done = 2;
  rows[0].accuracy = {.n = 2, .mean = 0.9712, .deviation = 0.01, .interval = Interval{0.96, 0.98}};
  rows[0].arithmetic = "integer";
  return rows;
}

}  // namespace

TEST_CASE(
    "at its end a terminal shows one row for each setting, with the mean and the interval of its runs, and no frame "
    "twice") {
  TemporaryFolder folder;
  const Finished done = on_terminal(study(folder), 100, 30);
  REQUIRE(done.status == 0);
  CHECK(has(done.err, "\033[1m"));
  const std::vector<std::string> all = shown(done, 100, 30);
  std::size_t headers = 0;
  for (const std::string& line : all) headers += has(line, "  setting") ? 1 : 0;
  CHECK(headers == 1);
  const std::vector<std::string> table = table_in(all);
  REQUIRE(table.size() >= 4);
  const json results = json_in(folder / "out" / "study.json");
  for (const auto& [line, rate] : {std::pair(table[1], 0.05), std::pair(table[2], 0.02)}) {
    CHECK_MESSAGE(has(line, fmt::format("  learning_rate {}", rate)), line);
    CHECK_MESSAGE(has(line, "2/2"), line);
    CHECK_MESSAGE(has(line, row_of(results, rate)), line);
    CHECK_MESSAGE(has(line, "float"), line);
  }
  CHECK(table[3] == "4 of 4 runs done");
  CHECK(std::all_of(table.begin() + 4, table.end(), [](const std::string& line) { return line.empty(); }));
}

TEST_CASE(
    "while it works the terminal shows the run, its epoch and loss; NO_COLOR takes the colours and leaves the table") {
  TemporaryFolder folder;
  const Finished done = on_terminal(study(folder), 100, 30, {{"NO_COLOR", "1"}});
  REQUIRE(done.status == 0);
  CHECK_FALSE(has(done.err, "\033[1m"));
  for (const char* part : {"run 1 of 4: learning_rate 0.05, seed 1", "run 4 of 4: learning_rate 0.02, seed 2",
                           "  loss ", "epoch 1/2", "▸ learning_rate 0.02", " left"}) {
    CHECK_MESSAGE(has(done.err, part), part);
  }
  CHECK(table_in(shown(done, 100, 30))[3] == "4 of 4 runs done");
}

TEST_CASE("a narrow and a low terminal is never left, and runs that fail are counted and told once above the table") {
  TemporaryFolder folder;
  const Finished done = on_terminal(study(folder, "[0.05, 1e30]"), 34, 8);
  CHECK(done.status == 1);
  const std::vector<std::string> all = shown(done, 34, 8);
  const std::vector<std::string> table = table_in(all);
  REQUIRE(table.size() == 5);
  CHECK(table[3] == "2 of 4 runs done, 2 failed");
  CHECK(has(table[1], "2/2"));
  CHECK(has(table[2], "0/2, 2 failed"));
  for (const std::string& line : table) CHECK(columns_of(line) < 34);
  std::string above;
  for (std::size_t i = 0; i + table.size() < all.size(); ++i) above += all[i];
  CHECK(has(above, "error: 0003-"));
  CHECK(above.find("error: 0003-") == above.rfind("error: 0003-"));
}

TEST_CASE(
    "without a terminal, and on one whose cursor does not move, a study says plain lines; --json stays one document") {
  TemporaryFolder folder, other;
  std::vector<std::string> arguments = study(folder);
  arguments.emplace_back("--json");
  const Finished plain = program::run_tempera(arguments);
  REQUIRE(plain.status == 0);
  CHECK(json::parse(plain.out)["runs"].size() == 4);
  CHECK(has(plain.err, "run 2 of 4: optimizer.learning_rate=0.05 seed=2\n"));
  CHECK(has(plain.err, "epoch 2/2  train loss"));
  CHECK_FALSE(has(plain.err, "\033"));
  const Finished dumb = on_terminal(study(other), 80, 24, {{"TERM", "dumb"}});
  CHECK(has(dumb.err, "epoch 2/2  train loss"));
  CHECK_FALSE(has(dumb.err, "  setting"));
  // Finished runs are counted, not made again.
  arguments.pop_back();
  const Finished again = on_terminal(arguments, 100, 30);
  CHECK(table_in(shown(again, 100, 30))[3] == "4 of 4 runs done");
  CHECK_FALSE(has(again.err, "epoch 1/2"));
}

TEST_CASE("the lines of a study fit every terminal, and the row at work is among them") {
  const StudyNow now{.run = "run 3 of 60: bits 7, way QAT, network large, seed 3",
                     .doing = "epoch 2/10  loss 0.1234",
                     .seconds_left = 75};
  for (const std::size_t rows : {1U, 2U, 7U, 20U}) {
    const std::vector<StudyRow> table = many_rows(rows, rows / 2);
    for (std::size_t columns = 1; columns <= 120; ++columns) {
      for (const std::size_t height : {1U, 2U, 4U, 5U, 6U, 10U, 40U}) {
        const auto lines = study_lines(table, now, {.columns = columns, .rows = height});
        CAPTURE(rows);
        CAPTURE(columns);
        CAPTURE(height);
        CHECK(lines.size() <= std::max<std::size_t>(height, 2) - 1);
        if (height < 6 || columns < 30) continue;
        const auto working = std::ranges::find(lines, true, &LiveBlock::Line::bold);
        REQUIRE(working != lines.end());
        CHECK(has(working->text, fmt::format("▸ bits {}", rows / 2)));
        CHECK(has(working->text, "/5"));
        CHECK(columns_of(working->text) < columns);
      }
    }
  }
  const auto wide = study_lines(many_rows(2, 1), now, {.columns = 100, .rows = 30});
  REQUIRE(wide.size() == 5);
  CHECK(wide[1].text == "  bits 0, way QAT, network large   2/5       97.12  96.00 … 98.00  integer");
  CHECK(wide[3].text == "run 3 of 60: bits 7, way QAT, network large, seed 3  epoch 2/10  loss 0.1234");
  CHECK(wide[4].text == "2 of 10 runs done, about 1 min 15 s left");
}

TEST_CASE("a text is cut between characters") {
  CHECK(cut_to("abc", 3) == "abc");
  CHECK(cut_to("abcd", 3) == "ab…");
  CHECK(cut_to("äöü…", 3) == "äö…");
  CHECK(cut_to("äö", 1) == "…");
  CHECK(cut_to("äö", 0).empty());
}
