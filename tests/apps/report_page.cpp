#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "report/sample_run.hpp"
#include "report/svg_reading.hpp"
#include "tempera/apps/report/page.hpp"
#include "tempera/apps/report/run_files.hpp"
#include "tempera/apps/report/style.hpp"
#include "tempera/apps/report/text.hpp"
#include "tempera/core/errors.hpp"

using namespace tempera::cli::report;
using tempera::test::count;

namespace {

bool has_text(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a full run has every section, in the order of the list, and a link to each") {
  const std::string page = render_report(tempera::test::sample_run());
  std::size_t last = 0;
  for (const char* id : {"headline", "training", "confusion", "mistakes", "temperature", "temperature_test",
                         "dark_knowledge", "identities", "calibration", "config", "provenance"}) {
    CAPTURE(id);
    const std::size_t at = page.find("<section id=\"" + std::string(id) + "\"");
    REQUIRE(at != std::string::npos);
    CHECK(at > last);
    CHECK(count(page, "href=\"#" + std::string(id) + "\"") == 1);
    last = at;
  }
  CHECK(page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
}

TEST_CASE("the same run gives the same bytes") {
  CHECK(render_report(tempera::test::sample_run()) == render_report(tempera::test::sample_run()));
}

TEST_CASE(
    "the gap between soft and hard form is drawn in per cent beside their accuracies, and only of runs that have one") {
  RunData run = tempera::test::sample_run();
  CHECK(!has_text(render_report(run), "Gap between soft and hard form"));
  for (EpochMetrics& epoch : run.epochs) {
    epoch.extra["validation_soft_accuracy"] = epoch.validation.accuracy + 0.0625;
    epoch.extra["validation_soft_gap"] = 0.0625;
  }
  const std::string page = render_report(run);
  CHECK(count(page, "<figcaption>Gap between soft and hard form, validation</figcaption>") == 1);
  CHECK(has_text(page, "accuracy of the soft form − of the hard one goes from 0.0625 in epoch 1 to 0.0625"));
  CHECK(!has_text(page, "validation_soft"));
}

TEST_CASE("a fallback of the data is the first line of the page, and no other page has one") {
  const std::string fallen = render_report(tempera::test::fashion_run());
  CHECK(has_text(fallen, "<body>\n<p class=\"fallback\" role=\"alert\"><strong>This is not mnist.</strong>"));
  CHECK(has_text(fallen, "took its fallback fashion_mnist"));
  CHECK(!has_text(render_report(tempera::test::sample_run()), "class=\"fallback\""));
}

TEST_CASE("names, texts and classes of a run cannot become markup") {
  const auto run = tempera::test::hostile_run();
  for (const std::string& page : {render_report(run), render_comparison(std::vector{run, run})}) {
    CHECK(count(page, "<script") == 1);
    CHECK(count(page, "</script") == 1);
    CHECK(!has_text(page, "<img src=x"));
    CHECK(has_text(page, "&lt;/script&gt;"));
  }
  CHECK(!has_text(render_temperature_figure(run), "<script"));
}

TEST_CASE("the page allows no network and no script but its own") {
  const std::string page = render_report(tempera::test::sample_run());
  CHECK(has_text(page, "default-src 'none'"));
  CHECK(has_text(page, "script-src 'sha256-"));
  CHECK(!has_text(page, "script-src 'unsafe-inline'"));
  for (const char* outside : {"src=\"http", "href=\"http", "url(", "@import", "<link", "<iframe"}) {
    CAPTURE(outside);
    CHECK(!has_text(page, outside));
  }
}

TEST_CASE("a run that recorded nothing, or nothing but unknown numbers, still has a page") {
  CHECK(has_text(render_report(RunData{}), "This run has recorded nothing yet."));
  const std::string broken = render_report(tempera::test::broken_run());
  CHECK(!has_text(broken, "\"nan\""));
  CHECK(!has_text(broken, ">nan<"));
  CHECK(has_text(broken, "</html>"));
  CHECK(has_text(render_comparison(std::vector{RunData{}, tempera::test::broken_run()}), "</html>"));
  CHECK(has_text(render_comparison({}), "0 runs compared"));
}

TEST_CASE("a run with one epoch, one class or no temperatures leaves out what it lacks and nothing else") {
  RunData run = tempera::test::sample_run();
  run.epochs.resize(1);
  run.evaluation->confusion = {{10}};
  run.temperature->temperatures.clear();
  run.temperature->probabilities.clear();
  const std::string page = render_report(run);
  CHECK(has_text(page, "<section id=\"training\""));
  CHECK(has_text(page, "<section id=\"confusion\""));
  CHECK(!has_text(page, "<section id=\"temperature\""));
  CHECK(has_text(page, "<section id=\"dark_knowledge\""));
  CHECK_THROWS_AS((void)render_temperature_figure(run), tempera::core::UnsupportedError);
}

TEST_CASE("the two classes with the largest mean probability of each other head the pairs found alike") {
  RunData run = tempera::test::sample_run();
  run.temperature->dark_knowledge = {{4, {{0.9, 0.02, 0.08}, {0.01, 0.79, 0.2}, {0.05, 0.3, 0.65}}}};
  const std::string page = render_report(run);
  CHECK(has_text(page, "<th scope=\"row\">1 and 2</th><td>0.2000</td><td>0.3000</td><td>0.2500</td>"));
  CHECK(page.find(">1 and 2<") < page.find(">0 and 2<"));
}

TEST_CASE("a comparison names runs of one name by their folders and overlays their curves") {
  std::vector<RunData> runs{tempera::test::sample_run(), tempera::test::sample_run()};
  runs[1].folder = "mnist-temperature-ffffffff";
  const std::string page = render_comparison(runs);
  CHECK(has_text(page, "mnist-temperature-1a2b3c4d"));
  CHECK(has_text(page, "mnist-temperature-ffffffff"));
  CHECK(count(page, "<section id=\"curves\"") == 1);
  CHECK(render_comparison(std::vector{runs[0]}) == render_report(runs[0]));
}

TEST_CASE("a network that was only calibrated has no tiles of training, and says each accuracy once and which it is") {
  RunData run = tempera::test::sample_run();
  CHECK(has_text(render_report(run), "training images a second"));
  run.summary.training = {0, 0, 0.0, 0.0};
  run.summary.results = {{"before_calibration", {{"test", {10000, 100, 0.99, 0.03, 0.03, 0.01}}}},
                         {"float", {{"test", {10000, 200, 0.98, 0.06, 0.06, 0.01}}}},
                         {"fake_quant", {{"test", {10000, 300, 0.97, 0.09, 0.09, 0.01}}}},
                         {"integer", {{"test", {10000, 300, 0.97, 0.09, 0.09, 0.01}}}}};
  const auto tiles_of = [](const std::string& page) {
    const std::size_t begin = page.find("<ul class=\"tiles\">");
    return page.substr(begin, page.find("</ul>", begin) - begin);
  };
  const std::string tiles = tiles_of(render_report(run));
  CHECK(!has_text(tiles, "training"));
  CHECK(has_text(tiles, "<b>97.00\u202F%</b><span>test accuracy, integers</span>"));
  CHECK(has_text(tiles, "<b>99.00\u202F%</b><span>test accuracy, floats, as trained</span>"));
  CHECK(has_text(tiles, "<b>98.00\u202F%</b><span>test accuracy, floats, as calibrated</span>"));
  CHECK(count(tiles, "97.00") == 1);
  run.summary.results["integer"]["test"].errors = 301;  // then they are two networks
  CHECK(has_text(tiles_of(render_report(run)), "test accuracy, fake quantization"));
}

TEST_CASE(
    "the size in the headline is that of the file, and what the parameters alone take stands beside it where it is "
    "known") {
  RunData run = tempera::test::sample_run();
  run.summary.model.bytes = {{"float32", 400000}, {"stored", 60000}};
  CHECK(has_text(render_report(run), "<span>the file that is shipped, whole</span>"));
  run.summary.model.bytes["parameters"] = 51000;
  CHECK(has_text(render_report(run),
                 "<span>the file that is shipped, whole; weights and biases alone " + bytes(51000) + "</span>"));
}

TEST_CASE(
    "the figure of the quantizers draws each that has steps to draw, at the heights of its levels, and no other") {
  const RunData run = tempera::test::quantized_run();
  const std::string svg = render_quantizers_figure(run);
  CHECK(svg.starts_with("<svg "));
  CHECK(has_text(svg, ">uniform</text>"));
  CHECK(has_text(svg, ">smoothed_sigmoid</text>"));
  CHECK(has_text(svg, ">act2.output: 2 bit, unsigned</text>"));
  CHECK(!has_text(svg, "fc1.weight"));
  CHECK(count(svg, ">as shipped</text>") == 1);  // the legend, where there are two forms
  // Two charts for each of two quantizers. The first is of four levels at equal distances, the topmost highest.
  CHECK(tempera::test::tags_with(svg, "class=\"plot\"").size() == 4);
  std::vector<double> levels;
  for (const auto& [x, y] : tempera::test::points_of(tempera::test::tags_with(svg, "<polyline").at(0))) {
    if (levels.empty() || levels.back() != y) levels.push_back(y);
  }
  REQUIRE(levels.size() == 4);
  for (std::size_t i = 1; i < 4; ++i)
    CHECK(levels[i - 1] - levels[i] == doctest::Approx(levels[0] - levels[1]).epsilon(0.02));
  CHECK(levels[0] > levels[3]);
  // A value and its derivative stand below each other.
  for (std::size_t chart = 0; chart < 4; chart += 2) {
    const auto plots = tempera::test::tags_with(svg, "class=\"plot\"");
    CHECK(tempera::test::attribute(plots.at(chart), "x") == tempera::test::attribute(plots.at(chart + 1), "x"));
    CHECK(tempera::test::attribute(plots.at(chart), "width") == tempera::test::attribute(plots.at(chart + 1), "width"));
  }
  // On the page the same charts, named by site and quantizer.
  const std::string page = render_report(run);
  CHECK(has_text(page, "act1.output (uniform, 2 bit, unsigned)"));
  CHECK(has_text(page, tempera::test::tags_with(svg, "<polyline").at(0)));
}

TEST_CASE("a figure of quantizers is refused where none can be drawn, and says what that takes") {
  RunData run = tempera::test::quantized_run();
  run.quantization->sites.erase(run.quantization->sites.begin(), run.quantization->sites.begin() + 2);
  CHECK_THROWS_WITH_AS((void)render_quantizers_figure(run),
                       doctest::Contains("a scale for the whole tensor or for each channel"),
                       tempera::core::UnsupportedError);
  run.quantization.reset();
  CHECK_THROWS_AS((void)render_quantizers_figure(run), tempera::core::UnsupportedError);
}

TEST_CASE("the type of a quantizer outlives quantization.json, and a file of before it was told has none") {
  const Quantization told = *tempera::test::quantized_run().quantization;
  std::string text = quantization_text(told);
  CHECK(parse_quantization(text, "q.json").sites.at(1).quantizer == "smoothed_sigmoid");
  for (std::size_t at; (at = text.find("\"quantizer\"")) != std::string::npos;) text.replace(at, 11, "\"something\"");
  CHECK(parse_quantization(text, "q.json").sites.at(1).quantizer.empty());
}

TEST_CASE("the histogram of a weight with batch norm folded in says in which form it is drawn, others do not") {
  RunData run = tempera::test::sample_run();
  QuantizedSite site{.site = "conv1.weight", .kind = "weight", .grid = "4 bit", .bits = 4, .values = 8};
  site.high = 1;
  site.before = site.after = {3, 5};
  for (const bool folded : {false, true}) {
    site.folded = folded;
    run.quantization = Quantization{.sites = {site}, .proof = {}};
    const std::string page = render_report(run);
    CAPTURE(folded);
    CHECK(has_text(page, "conv1.weight (4 bit)") == !folded);
    CHECK(has_text(page, "conv1.weight (4 bit, batch norm folded in)") == folded);
    CHECK(has_text(page, "drawn here as it is stored") == folded);
    CHECK(parse_quantization(quantization_text(*run.quantization), "q.json").sites.front().folded == folded);
  }
}

TEST_CASE("what calibration did to the weights is a table each, numbers grouped, and a reason where it did nothing") {
  RunData run = tempera::test::sample_run();
  run.quantization.emplace();
  run.summary.repairs.equalized = {{.first = "fc1", .second = "fc2", .before = 2.5, .after = 1}};
  run.summary.repairs.rounded = {{.layer = "fc1", .changed = 1071, .weights = 12000, .skipped = {}},
                                 {.layer = "fc2", .changed = 0, .weights = 0, .skipped = "no reason"}};
  run.summary.repairs.corrected.emplace();
  const std::string page = render_report(run);
  CHECK(has_text(page, "<th scope=\"row\">fc1 and fc2</th><td>2.50</td><td>1.00</td>"));
  CHECK(has_text(page, "<th scope=\"row\">fc1</th><td>12\u202F000</td><td>1\u202F071</td>"));
  CHECK(has_text(page, "Calibration: adaptive rounding: fc2 was skipped: no reason."));
  CHECK(has_text(page, "Calibration: bias correction: changed nothing"));
  CHECK(count(page, "Calibration: ") == 2);
}
