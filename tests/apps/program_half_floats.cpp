// What float16 cannot hold, through the program. Oracle: IEEE 754 binary16 ends at 65504, and 65520 is the first number that is
// nearer to what would come next; half of one pixel is what every unit of the first layer gives.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>
#include <string>

#include "pixel_set.hpp"
#include "smoke.hpp"

using namespace program;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

// Three test images, the first with that pixel and otherwise nothing; six units.
Finished with_pixel(const TemporaryFolder& folder, float pixel, const std::string& activation = "relu6") {
  write_set(folder / "set", 5, pixel, 0);
  const fs::path config =
      write(folder / "config.json",
            R"({"name": "half", "data": {"name": "npy", "dir": ")" + (folder / "set").string() +
                R"(", "classes": 2, "validation": 0, "normalize": "none"}, "model": {"layers": [{"type": "flatten"},
      {"type": "linear", "name": "fc1", "out": 6, "bias": false, "init": {"type": "constant", "value": 0.5}},
      {"type": ")" +
                activation + R"(", "name": "act1"}, {"type": "linear", "name": "fc2", "out": 2}]},
    "train": {"epochs": 0},
    "quantization": {"when": "after", "rules": [{"sites": "input", "quantizer": null},
      {"sites": "fc1.output", "quantizer": {"type": "float16"}}]}})");
  return run_tempera({"run", config.string(), "--out", (folder / "run").string()});
}

}  // namespace

TEST_CASE("what float16 cannot hold is counted by run, summary, report and eval, and what it can is not") {
  for (const auto& [pixel, lost] :
       {std::pair(131008.0F, 0), std::pair(131039.98F, 0), std::pair(131040.0F, 6), std::pair(1e30F, 6)}) {
    CAPTURE(pixel);
    TemporaryFolder folder;
    const Finished done = with_pixel(folder, pixel);
    REQUIRE_MESSAGE(done.status == 0, done.err);
    const std::string said = "fc1.output: 6 of 18 values are beyond its format and became infinite";
    CHECK(has(done.err, "warning: " + said) == (lost > 0));
    const json summary = json_in(folder / "run" / "summary.json");
    CHECK(summary.contains("overflows") == (lost > 0));
    if (lost > 0) CHECK(summary["overflows"]["fc1.output"] == lost);
    const json site = json_in(folder / "run" / "quantization.json")["sites"][0];
    CHECK(site["overflows"] == lost);
    CHECK(site["passed"] == (lost > 0 ? 18 : 0));
    CHECK(has(content(folder / "run" / "report.html"), "became infinite") == (lost > 0));
    // Infinite noise would be no number: the ratio is of what stayed finite.
    CHECK((site["sqnr_db"].is_null() || site["sqnr_db"].get<double>() > 60));
    const json evaluated = result({"eval", (folder / "run").string()});
    CHECK(evaluated["mode"] == "fake_quant");
    CHECK(evaluated["overflows"] == (lost > 0 ? json{{"fc1.output", lost}} : json::object()));
    CHECK(result({"eval", (folder / "run").string(), "--mode", "float"})["overflows"] == json::object());
  }
}

TEST_CASE("outputs that are infinite because float16 ended are refused, after the site was told") {
  TemporaryFolder folder;
  const Finished done = with_pixel(folder, 1e6F, "relu");
  CHECK(done.status == 1);
  CHECK_MESSAGE(has(done.err, "fc1.output: 6 of 18 values"), done.err);
  CHECK_MESSAGE(has(done.err, "not finite"), done.err);
  CHECK(done.err.find("fc1.output: 6 of 18") < done.err.find("not finite"));
  CHECK(json_in(folder / "run" / "summary.json")["overflows"]["fc1.output"] == 6);
}
