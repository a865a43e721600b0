// A profile as a table and as a document. Oracle: shares and rates of two steps whose times are set by hand.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tempera/apps/bench/profile_report.hpp"

namespace {

using namespace tempera;
using core::Phase;

std::int64_t now = 0;
std::int64_t set_by_hand() noexcept { return now; }

// Two steps of 100 µs: 60 in a product of 6 MFLOP, 30 backward, 10 outside.
core::Profile two_steps() {
  core::Profile profile(set_by_hand);
  const core::Profiling on(profile);
  for (int step = 0; step < 2; ++step) {
    now += 60'000;
    profile.add_flop(6e6);
    core::lap(Phase::kForward, "fc1", "linear");
    now += 30'000;
    core::lap(Phase::kBackward, "act", "relu");
    now += 10'000;
    core::lap_between();
  }
  return profile;
}

const cli::bench::ProfileContext kContext{.steps = 2, .batch = 50, .peak = 200e9};

}  // namespace

TEST_CASE("a profile's document gives time, share, speed and share of peak by operation, the longest first") {
  const auto document = cli::bench::profile_json(two_steps(), kContext);
  CHECK(document["us_per_step"] == doctest::Approx(100));
  CHECK(document["samples_per_s"] == doctest::Approx(500'000));
  CHECK(document["gflop_per_s"] == doctest::Approx(60));
  CHECK(document["phases"]["backward"] == doctest::Approx(0.3));
  CHECK(document["phases"]["data"] == 0);
  const auto& operations = document["operations"];
  REQUIRE(operations.size() == 3);
  CHECK(operations[0]["scope"] == "fc1");
  CHECK(operations[0]["calls_per_step"] == 1);
  CHECK(operations[0]["us_per_step"] == doctest::Approx(60));
  CHECK(operations[0]["gflop_per_s"] == doctest::Approx(100));
  CHECK(operations[0]["share_of_peak"] == doctest::Approx(0.5));
  CHECK(operations[1]["op"] == "relu");
  CHECK_FALSE(operations[1].contains("gflop_per_s"));  // it declares no work
  CHECK(operations[2]["phase"] == "outside");
  double shares = 0;
  for (const auto& operation : operations) shares += operation["share"].get<double>();
  CHECK(shares == doctest::Approx(1));
}

TEST_CASE("a profile's table has the same figures and the whole step last") {
  const std::string text = cli::bench::profile_text(two_steps(), kContext);
  CAPTURE(text);
  CHECK(text.find("linear") < text.find("relu"));
  CHECK(text.find("60.0 %") != std::string::npos);
  CHECK(text.find("50 %") != std::string::npos);
  CHECK(text.find("forward 60.0 % · backward 30.0 % · outside 10.0 %") != std::string::npos);
  CHECK(text.find("500 000 samples/s over 2 steps; measured peak 200.0 GFLOP/s") != std::string::npos);
}
