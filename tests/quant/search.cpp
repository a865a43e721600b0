// Oracles: all assignments tried one by one; the quantized network evaluated by hand for the sensitivities.
#include "tempera/quant/search.hpp"
#include "tempera/quant/input_bits.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <utility>

#include "quant/support.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/quant/attach.hpp"
#include "tempera/quant/calibrate.hpp"

using namespace tempera;
using namespace tempera::quant_test;

namespace {

using quant::BitAssignment;
using quant::BitBudget;
using quant::SiteSensitivity;

std::vector<SiteSensitivity> invented(int count, std::uint64_t seed) {
  const core::Random random(seed, "sensitivities");
  std::vector<SiteSensitivity> sites;
  for (int i = 0; i < count; ++i) {
    SiteSensitivity site{.site = "fc" + std::to_string(i) + ".weight", .kind = nn::SiteKind::kWeight};
    const auto at = static_cast<std::uint64_t>(i) * 10;
    site.values = static_cast<std::int64_t>(10 + random.below(at, 1000));
    site.multiply_adds = static_cast<std::int64_t>(100 + random.below(at + 1, 5000));
    for (const int bits : {8, 4, 2}) {
      site.points.push_back({.bits = bits,
                             .stored_bits = bits,
                             .loss_increase = random.uniform(at + 2 + static_cast<std::uint64_t>(bits)) * 8 / bits});
    }
    sites.push_back(site);
  }
  sites.push_back({.site = "act1.output", .kind = nn::SiteKind::kOutput, .values = 5, .points = {{.bits = 8}}});
  return sites;
}

std::map<std::string, int> invented_inputs(const std::vector<SiteSensitivity>& sites, std::uint64_t seed) {
  const core::Random random(seed, "inputs");
  std::map<std::string, int> bits;
  for (const SiteSensitivity& site : sites) bits[site.site] = static_cast<int>(2 + random.below(bits.size(), 7));
  return bits;
}

double cost(const SiteSensitivity& site, int bits, const BitBudget& budget) {
  return budget.measure == quant::BudgetMeasure::kSize
             ? static_cast<double>(site.values) * bits
             : static_cast<double>(site.multiply_adds * budget.bits_before(site.site)) * bits;
}

// The least loss of all 3ⁿ assignments within the budget.
double best_of_all(const std::vector<SiteSensitivity>& sites, const BitBudget& budget, int count) {
  double best = std::numeric_limits<double>::infinity();
  for (int code = 0; code < static_cast<int>(std::pow(3, count)); ++code) {
    double loss = 0, total = 0;
    for (int i = 0, rest = code; i < count; ++i, rest /= 3) {
      const auto& site = sites[static_cast<std::size_t>(i)];
      const auto& point = site.points[static_cast<std::size_t>(rest % 3)];
      loss += point.loss_increase;
      total += cost(site, point.bits, budget);
    }
    if (total <= budget.limit) best = std::min(best, loss);
  }
  return best;
}

double whole(const std::vector<SiteSensitivity>& sites, int bits, const BitBudget& budget) {
  double sum = 0;
  for (const SiteSensitivity& site : sites) {
    if (site.kind == nn::SiteKind::kWeight) sum += cost(site, bits, budget);
  }
  return sum;
}

}  // namespace

TEST_CASE("the search finds the best of all assignments within the budget") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<SiteSensitivity> sites = invented(6, seed);
    for (const auto measure : {quant::BudgetMeasure::kSize, quant::BudgetMeasure::kBitOperations}) {
      for (const double share : {0.25, 0.4, 0.6, 1.0}) {
        BitBudget budget{.measure = measure, .limit = 0, .input_bits = invented_inputs(sites, seed)};
        budget.limit = share * whole(sites, 8, budget);
        const BitAssignment exact = quant::exact_bits(sites, budget);
        CHECK(exact.loss_increase == doctest::Approx(best_of_all(sites, budget, 6)).epsilon(1e-12));
        CHECK(exact.cost <= budget.limit);
        CHECK(exact.choices.size() == 6);
      }
    }
  }
}

TEST_CASE("along the Pareto front costs rise and losses fall") {
  const std::vector<BitAssignment> front = quant::pareto_bits(invented(7, 3), {});
  REQUIRE(front.size() > 5);
  for (std::size_t i = 1; i < front.size(); ++i) {
    CHECK(front[i].cost > front[i - 1].cost);
    CHECK(front[i].loss_increase < front[i - 1].loss_increase);
  }
  CHECK_THROWS_AS(static_cast<void>(quant::pareto_bits(invented(7, 3), {}, 3)), core::UnsupportedError);
}

TEST_CASE("a budget below the fewest bits is refused") {
  const std::vector<SiteSensitivity> sites = invented(4, 1);
  BitBudget budget;
  budget.limit = whole(sites, 2, budget) - 1;
  CHECK_THROWS_AS(static_cast<void>(quant::exact_bits(sites, budget)), core::ConfigError);
  budget.limit += 1;
  CHECK(quant::exact_bits(sites, budget).cost == budget.limit);
}

TEST_CASE("a budget is refused by what is offered before anything is measured, as it is after") {
  nn::Model model =
      model_of(R"({"type": "linear", "name": "fc1", "out": 12}, {"type": "linear", "name": "fc2", "out": 2})", {6});
  const auto config = quantization(R"({"sites": "*.weight", "quantizer": {"type": "uniform", "bits": 8}})");
  const std::vector<SiteSensitivity> offered = quant::offered_bits(model, config, {});
  const auto weight = std::ranges::find(offered, std::string("fc1.weight"), &SiteSensitivity::site);
  REQUIRE(weight != offered.end());
  CHECK(weight->values == 72);
  CHECK(weight->multiply_adds == 72);
  REQUIRE(weight->points.size() == 3);
  for (const auto& [i, bits] : {std::pair(0, 8), {1, 4}, {2, 2}}) {
    CHECK(weight->points[static_cast<std::size_t>(i)].bits == bits);
  }
  BitBudget budget;
  budget.limit = (72 + 24) * 2;  // 2 bits everywhere
  CHECK_NOTHROW(quant::require_budget(offered, budget));
  budget.limit -= 1;
  CHECK_THROWS_AS(quant::require_budget(offered, budget), core::ConfigError);
}

TEST_CASE("a site's sensitivity is the loss with that quantizer alone, and the chosen bits become rules") {
  nn::Model model = model_of(
      R"({"type": "linear", "name": "fc1", "out": 12}, {"type": "relu", "name": "act1"},
         {"type": "linear", "name": "fc2", "out": 2})",
      {6});
  Samples source = random_samples({6}, 200, 50);
  train(model, source, 10, 0.2);
  const auto config =
      quantization(R"({"sites": "input"}, {"sites": "*.weight", "quantizer": {"type": "uniform", "bits": 8}},
                                      {"sites": "act1.output", "quantizer": {"type": "uniform", "bits": 8}})");
  const nn::Objective objective = [](const core::Variable& y, const core::Batch& b) {
    return core::cross_entropy(y, b.labels);
  };
  const double floats = nn::evaluate(model, source, objective).loss;
  const std::vector<SiteSensitivity> sites = quant::sensitivity(model, config, source, objective, {});
  REQUIRE(sites.size() == 3);
  CHECK(sites[0].site == "fc1.weight");
  CHECK(sites[0].multiply_adds == 72);
  CHECK(sites[1].site == "act1.output");
  CHECK(sites[1].multiply_adds == 0);
  for (const nn::Site* site : model.sites()) CHECK(site->transform == nullptr);
  for (const SiteSensitivity& site : sites) {
    REQUIRE(site.points.size() == 3);
    CHECK(site.points[0].decibels > site.points[1].decibels);
    CHECK(site.points[1].decibels > site.points[2].decibels);
    for (const quant::SensitivityPoint& point : site.points) {
      nn::Model alone = model_of(
          R"({"type": "linear", "name": "fc1", "out": 12}, {"type": "relu", "name": "act1"},
             {"type": "linear", "name": "fc2", "out": 2})",
          {6});
      for (std::size_t i = 0; i < model.parameters().size(); ++i) {
        alone.parameters()[i].variable.set_value(model.parameters()[i].variable.value());
      }
      quant::attach(
          alone, quantization(R"({"sites": "input"}, {"sites": ")" + site.site +
                              R"(", "quantizer": {"type": "uniform", "bits": )" + std::to_string(point.bits) + "}}"));
      quant::calibrate(alone, source, 1024);
      CHECK(point.loss_increase == doctest::Approx(nn::evaluate(alone, source, objective).loss - floats).epsilon(1e-9));
    }
  }
  const BitAssignment chosen{.choices = {{.site = "fc1.weight", .bits = 2}, {.site = "fc2.weight", .bits = 4}}};
  for (const quant::SitePlan& plan : quant::plan(model, quant::with_bits(model, config, chosen))) {
    if (plan.site == "fc1.weight") CHECK(plan.bits == 2);
    if (plan.site == "fc2.weight") CHECK(plan.bits == 4);
    if (plan.site == "act1.output") CHECK(plan.bits == 8);
  }
}

TEST_CASE(
    "a weight is multiplied with values of the bits of the grid before it, through what keeps a grid; else with "
    "floats") {
  nn::Model model = model_of(
      R"({"type": "conv2d", "name": "conv1", "out": 2, "kernel": 3}, {"type": "relu", "name": "act1"},
         {"type": "max_pool2d"}, {"type": "flatten"}, {"type": "linear", "name": "fc1", "out": 5}, {"type": "relu"},
         {"type": "linear", "name": "fc2", "out": 2})",
      {1, 6, 6});
  const auto config =
      quantization(R"({"sites": "input", "quantizer": {"type": "uniform", "bits": 8}}, {"sites": "*.weight"},
                      {"sites": "act1.output", "quantizer": {"type": "uniform", "bits": 3}})");
  CHECK(quant::input_bits(model, config) ==
        std::map<std::string, int>{{"conv1.weight", 8}, {"fc1.weight", 3}, {"fc2.weight", 32}});
  for (const nn::Site* site : model.sites()) CHECK(site->transform == nullptr);
}
