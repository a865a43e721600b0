// What reports draw of a quantizer. Oracles: the thresholds that its parameters stand for, the values that it
// gives for the weights of a network, and ratios worked out by hand.
#include "tempera/quant/site_profile.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "quant/support.hpp"
#include "quant/zoo.hpp"
#include "tempera/quant/fold_bn.hpp"
#include "tempera/quant/ptq/sqnr.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;

const SiteProfile& profile(const std::vector<SiteProfile>& all, const std::string& site) {
  return *std::ranges::find(all, site, &SiteProfile::site);
}

core::Tensor row(const std::vector<double>& values) {
  core::Tensor x({static_cast<std::int64_t>(values.size())});
  for (std::size_t i = 0; i < values.size(); ++i) x.mutable_values()[i] = static_cast<Scalar>(values[i]);
  return x;
}

TEST_CASE("signal to noise is ten times the logarithm of the sums of squares, of what is finite on both sides") {
  SignalToNoise ratio;
  CHECK(ratio.decibels() == HUGE_VAL);
  ratio.add(row({3, 0, HUGE_VAL, 60000}), row({3, 0, 5, HUGE_VAL}));
  CHECK(ratio.decibels() == HUGE_VAL);
  ratio.add(row({4, 0}), row({4.5, 0}));  // 25 over ¼
  CHECK(ratio.decibels() == doctest::Approx(20));
  SignalToNoise zeros;
  zeros.add(row({0, 0}), row({0, 0}));
  CHECK(zeros.decibels() == HUGE_VAL);
  zeros.add(row({0}), row({1}));
  CHECK(zeros.decibels() == -HUGE_VAL);
}

TEST_CASE("a site that sees the same values alone and within the network has the same ratio on both roads") {
  quant_test::Quantized it(R"({"type": "linear", "name": "f1", "out": 9})", {12}, quant_test::weights_and(""));
  quant_test::Samples images(it.images, std::vector<std::int32_t>(64, 0), 32);
  const std::vector<SiteProfile> within = profile_sites(it.model, images, 64);
  const std::vector<SiteNoise> alone = site_noise(it.model, images, 64);
  REQUIRE(alone.size() == 2);
  for (const SiteNoise& noise : alone) {
    CAPTURE(noise.site);
    CHECK(profile(within, noise.site).sqnr == noise.decibels);
    CHECK(noise.decibels > 30);
  }
}

TEST_CASE("a staircase of unequal steps is drawn as it is shipped, upright where each threshold is") {
  quant_test::Quantized it(
      R"({"type": "linear", "name": "f1", "out": 9}, {"type": "relu", "name": "a"},
                        {"type": "linear", "name": "f2", "out": 4})",
      {12}, quant_test::weights_and(quant_test::at("a.output", quant_test::learned(4, quant_test::kBoth))));
  quant_test::Samples images(it.images, std::vector<std::int32_t>(64, 0), 32);
  const std::vector<SiteProfile> all = profile_sites(it.model, images, 64);
  CHECK(profile(all, "a.output").quantizer_grid == "4 bit, unsigned, per_tensor, steps of unequal width");
  const DrawnStaircase& site = profile(all, "a.output").staircase;
  REQUIRE(site.hard.size() == site.argument.size());
  REQUIRE(site.value.size() == site.argument.size());
  CHECK(std::ranges::is_sorted(site.argument));
  const auto sites = it.model.sites();
  const auto named = [](const nn::Site* one) { return one->name == "a.output"; };
  const QParams grid = *quantizer_of(**std::ranges::find_if(sites, named))->quantizer().params();
  std::size_t drawn = 0;
  for (const float t : grid.thresholds) {
    if (static_cast<double>(t) <= site.argument.front() || static_cast<double>(t) >= site.argument.back()) continue;
    ++drawn;
    const auto at = std::ranges::find(site.argument, static_cast<double>(t));
    REQUIRE(at != site.argument.end());
    const auto i = static_cast<std::size_t>(at - site.argument.begin());
    CHECK(site.hard[i] - site.hard[i - 1] >= 0.99 * static_cast<double>(grid.scale[0]));
    CHECK(site.argument[i] - site.argument[i - 1] <= 1e-6 * std::max(1.0, std::abs(site.argument[i])));
  }
  CHECK(drawn >= 8);
  CHECK_FALSE(site.channel.has_value());
  // Weights here have one form in training and evaluation, and several scales.
  CHECK(profile(all, "f1.weight").staircase.hard.empty());
  CHECK(profile(all, "f1.weight").staircase.channel.has_value());
}

TEST_CASE("the staircase of a weight goes through what its quantizer makes of each of its values") {
  const std::string layers = R"({"type": "conv2d", "name": "c1", "out": 5, "kernel": 3, "padding": 1},
      {"type": "batch_norm", "name": "n1"}, {"type": "relu", "name": "a1"}, {"type": "flatten"},
      {"type": "linear", "name": "f", "out": 4})";
  for (const char* fold : {"true", "false"}) {
    for (const char* weight : {R"("type": "ternary")", R"("type": "ternary", "per_channel": true)",
                               R"("type": "lsq", "bits": 3, "per_channel": true)",
                               R"("type": "uniform", "bits": 3, "granularity": "per_channel", "symmetric": false)",
                               R"("type": "dorefa", "bits": 3)", R"("type": "power_of_two_values", "bits": 3)",
                               R"("type": "uniform", "bits": 3, "granularity": "per_tensor")"}) {
      CAPTURE(fold);
      CAPTURE(weight);
      quant_test::Quantized it(layers, {2, 6, 5},
                               R"({"fold_batch_norm": )" + std::string(fold) +
                                   R"(, "rules": [{"sites": "*.weight", "quantizer": {)" + weight + "}}]}");
      quant_test::Samples images(it.images, std::vector<std::int32_t>(64, 0), 32);
      const std::vector<SiteProfile> all = profile_sites(it.model, images, 64);
      for (const nn::Site* site : it.model.sites()) {
        if (site->kind != nn::SiteKind::kWeight) continue;
        CAPTURE(site->name);
        const SiteQuantizer& transform = *quantizer_of(*site);
        core::Tensor whole = site->parameter.value();
        if (transform.folded()) whole = scaled_channels(whole, invertible_factor(*transform.folded()));
        nn::ForwardContext evaluation;
        const core::Tensor made = transform.quantizer().forward(core::Variable(whole), evaluation).value();
        const SiteProfile& whole_site = profile(all, site->name);
        const DrawnStaircase& drawn = whole_site.staircase;
        REQUIRE(std::ranges::is_sorted(drawn.argument));
        CHECK((whole_site.quantizer_grid.find("folded") != std::string::npos) == transform.folded().has_value());
        CHECK(whole_site.folded == transform.folded().has_value());
        const std::vector<float> scales = transform.quantizer().params()->scale;
        CHECK(drawn.channel.has_value() == (scales.size() > 1));
        const std::size_t row = made.values().size() / scales.size();
        const auto channel = static_cast<std::size_t>(drawn.channel.value_or(0));
        // Of the median scale: as many are below it as above, give or take one.
        const auto below = std::ranges::count_if(scales, [&](float s) { return s < scales[channel]; });
        const auto beyond = std::ranges::count_if(scales, [&](float s) { return s > scales[channel]; });
        CHECK(below <= static_cast<std::ptrdiff_t>(scales.size() / 2));
        CHECK(beyond <= static_cast<std::ptrdiff_t>(scales.size() / 2));
        std::size_t missed = 0, outside = 0;
        for (std::size_t i = channel * row; i < (channel + 1) * row; ++i) {
          const auto above = std::ranges::upper_bound(drawn.argument, static_cast<double>(whole.values()[i]));
          // Far outliers are left out of the picture.
          if (above == drawn.argument.begin() || above == drawn.argument.end()) {
            ++outside;
            continue;
          }
          const auto at = static_cast<std::size_t>(above - drawn.argument.begin());
          const auto y = static_cast<double>(made.values()[i]);
          missed += y != drawn.value[at - 1] && y != drawn.value[at] ? 1 : 0;
        }
        // Beyond its values, too, a quantizer gives nothing but what its grid has.
        const QParams grid = *transform.quantizer().params();
        for (const double y : drawn.value) {
          CHECK(y >= static_cast<double>(grid.dequantize(grid.qmin, channel)));
          CHECK(y <= static_cast<double>(grid.dequantize(grid.qmax, channel)));
        }
        CHECK(missed == 0);
        CHECK(outside <= row / 8);
      }
    }
  }
}

}  // namespace
