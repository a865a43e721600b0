// Pictures that stand alone. Oracle: the registry of quantizers, which knows what there is to draw, and the levels that few bits have.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "smoke.hpp"
#include "tempera/quant/quantizer.hpp"

using namespace program;
namespace fs = std::filesystem;

TEST_CASE(
    "the picture of the quantizers has the staircase of every type that there is, with as many levels as bits allow") {
  TemporaryFolder folder;
  const fs::path run = folder / "shapes", picture = folder / "q.svg";
  REQUIRE(run_tempera({"run", "configs/quantizer-shapes.json", "--out", run.string()}).status == 0);
  const Finished drawn = run_tempera({"report", run.string(), "--figure", "quantizers", "--out", picture.string()});
  REQUIRE_MESSAGE(drawn.status == 0, drawn.err);
  const std::string svg = content(picture);
  for (const std::string& type : tempera::quant::QuantizerRegistry::builtin().names()) {
    CHECK_MESSAGE(has(svg, ">" + type + "</text>"), type,
                  " is not drawn: give it a site in configs/quantizer-shapes.json");
  }
  int stairs = 0;
  const nlohmann::json document = json_in(run / "quantization.json");
  for (const nlohmann::json& site : document["sites"]) {
    const std::string name = site["site"];
    CAPTURE(name);
    CHECK(has(svg, ">" + name + ": "));
    if (site["bits"] == 16) continue;  // floats
    const nlohmann::json& hard =
        site["staircase"]["hard"].empty() ? site["staircase"]["value"] : site["staircase"]["hard"];
    const std::set<double> levels = hard.get<std::set<double>>();
    ++stairs;
    CHECK(levels.size() >= 3);
    CHECK(levels.size() <= 16);
  }
  CHECK(stairs >= 15);
}

TEST_CASE("a figure that a run has nothing for is refused by its name, and nothing is written") {
  TemporaryFolder folder;
  const std::string file = (folder / "f.svg").string();
  const std::string plain = finished_smoke().string(), quantized = finished_smoke_quant().string();
  const auto refused = [&](const std::vector<std::string>& runs, const std::string& figure, const std::string& why) {
    std::vector<std::string> arguments{"report", "--figure", figure, "--out", file};
    arguments.insert(arguments.end(), runs.begin(), runs.end());
    const Finished done = run_tempera(arguments);
    CAPTURE(done.err);
    CHECK(done.status == 2);
    CHECK(has(done.err, why));
    CHECK_FALSE(fs::exists(file));
  };
  refused({plain}, "quantizers", "--figure quantizers needs one run that has a section \"quantization\"");
  refused({quantized, quantized}, "quantizers", "--figure quantizers needs one run");
  refused({quantized, plain}, "temperature", "--figure temperature needs one run that has the analysis");
  refused({plain}, "staircases", "staircases");
}
