// check() refuses thresholds that are too few, fall, or go nowhere; see damaged_program.hpp.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "quant/damaged_program.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant_test::damage;

// 255 thresholds for each channel of the convolution, passed upwards and downwards.
Requant stepped(std::size_t channels) {
  Requant r{.multipliers = {}, .zero_point = -5, .thresholds = Thresholds{}};
  r.thresholds->directions.clear();
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::int32_t i = 0; i < 255; ++i) r.thresholds->values.push_back(i * 7 - 900);
    r.thresholds->directions.push_back(c % 2 == 0 ? 1 : -1);
  }
  return r;
}

// As a damage does it: on top of a convolution that has thresholds.
std::function<void(Program&)> with(const std::function<void(Requant&)>& how) {
  return [=](Program& p) {
    std::optional<Requant>& requant = operation<program::Conv2d>(p).requant;
    requant = stepped(4);
    how(*requant);
  };
}

TEST_CASE("a layer with thresholds keeps every rule, and engine and reference agree on it") {
  for (const bool each : {true, false}) {
    Program p = whole_program();
    with([&](Requant& r) {
      if (!each) r.thresholds->values.resize(255);
    })(p);
    REQUIRE(complaint(p) == "no error");
    const core::Tensor x = core::Tensor::full({2, 2, 6, 6}, 40);
    Engine engine(p);
    CHECK(std::ranges::equal(engine.run(x), run_reference(p, x).values));
  }
}

TEST_CASE("thresholds must be one less than integers, for all channels or each, rising, in one of two directions") {
  all_refused(
      instruction(kConv),
      {
          {"has 1019 thresholds, needs 255", with([](Requant& r) { r.thresholds->values.pop_back(); })},
          {"has 0 thresholds, needs 255", with([](Requant& r) { r.thresholds->values.clear(); })},
          {"has 510 thresholds, needs 255", with([](Requant& r) { r.thresholds->values.resize(510); })},
          {"has 1020 thresholds, needs 254", with([](Requant& r) { r.high = 126; })},
          {"must not fall", with([](Requant& r) { r.thresholds->values[254] = -1000; })},
          {"must not fall", with([](Requant& r) { std::swap(r.thresholds->values[510], r.thresholds->values[511]); })},
          {"has 3 directions", with([](Requant& r) { r.thresholds->directions.pop_back(); })},
          {"has 0 directions", with([](Requant& r) { r.thresholds->directions.clear(); })},
          {"directions must be 1 or -1", with([](Requant& r) { r.thresholds->directions[3] = 0; })},
          {"directions must be 1 or -1", with([](Requant& r) { r.thresholds->directions[0] = 2; })},
          {"exclude each other", with([](Requant& r) { r.multipliers = {multiplier_of(0.5)}; })},
          {"zero point must be that", with([](Requant& r) { r.zero_point = 0; })},
          {"values of [-129, 127]", with([](Requant& r) { r.low = -129; })},
          {"values of [1, 0]", with([](Requant& r) { r.low = 1, r.high = 0; })},
          {"has 0 multipliers", with([](Requant& r) { r.thresholds.reset(); })},
      });
  all_refused(instruction(kRequantize), {{"has 2 thresholds, needs 511", [](Program& p) {
                                            Requant& r = operation<program::Requantize>(p).requant;
                                            r.multipliers.clear();
                                            r.thresholds = Thresholds{{1, 2}};
                                          }}});
  all_refused(instruction(kConcat), {{"has 3 directions", [](Program& p) {
                                        Requant& r = *operation<program::Concat>(p).requants[0];
                                        const std::int32_t zero = r.zero_point;
                                        r = stepped(3);
                                        r.zero_point = zero;
                                        r.thresholds->values.resize(255);
                                      }}});
}

TEST_CASE("samples are rounded: thresholds on floats are refused") {
  all_refused(instruction(kQuantize), {{"they take no thresholds", [](Program& p) {
                                          operation<program::Quantize>(p).params.thresholds = {1, 2};
                                        }}});
}

}  // namespace
