#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "report/sample_run.hpp"
#include "report/svg_reading.hpp"
#include "tempera/apps/report/page.hpp"
#include "tempera/apps/report/style.hpp"
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
