// Staircases of sigmoids at every level. Oracle: the formula in long double, all steps; buffers end at pages without access.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/exact_stairs.hpp"
#include "kernels/support.hpp"
#include "tempera/core/kernels/table.hpp"

namespace {

using namespace tempera::test;
using tempera::core::kernels;
using tempera::core::SigmoidStairs;

// From below the first step to above the last, beside steps and on them, and what is nowhere near.
std::vector<float> values_for(const SigmoidStairs& s, std::int64_t n) {
  std::vector<float> x = uniform(n, -1.5, s.steps + 2.5, static_cast<std::uint64_t>(n));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double position = i % 3 == 0 ? std::round(x[i]) + (i % 2 == 0 ? 0 : 1e-4) : x[i];
    x[i] = static_cast<float>((position - s.middle - 0.5) * s.width);
    const float far[] = {1e30F, -1e30F, kInfinity, -kInfinity, 0.0F, -0.0F, std::numeric_limits<float>::denorm_min()};
    if (i % 11 == 5) x[i] = far[i / 11 % std::size(far)];
  }
  return x;
}

}  // namespace

TEST_CASE("a staircase of sigmoids and its derivative are the formula, at every temperature, width and size") {
  for (const double temperature : {0.5, 1.0, 3.7, 10.0, 20.0, 21.0, 28.0, 60.0, 256.0}) {
    for (const double steps : {1.0, 3.0, 14.0, 15.0, 255.0}) {
      const SigmoidStairs s{.temperature = temperature,
                            .width = 0.0371 * steps,
                            .height = 0.5,
                            .middle = std::floor(steps / 2),
                            .steps = steps};
      for (const std::int64_t n : {0, 1, 7, 8, 17, 133}) {
        CAPTURE(temperature);
        CAPTURE(steps);
        const std::vector<float> x = values_for(s, n);
        Guarded<float> in(x), y(x.size()), slope(x.size());
        kernels().sigmoid_stairs(n, s, in.data(), y.data(), slope.data());
        for (std::size_t i = 0; i < x.size(); ++i) {
          CAPTURE(x[i]);
          const ExactStairs e = exact_stairs(s, x[i]);
          // Of a sum of floats, of a position that has 24 bits after the point and is multiplied by T, and of 56/T factors in a row.
          const double near = 1e-6 + 2e-7 * steps + 3e-7 * temperature + 2e-6 / temperature;
          REQUIRE(std::abs(static_cast<double>(y.data()[i] - e.y)) <= s.height * near);
          REQUIRE(std::abs(static_cast<double>(slope.data()[i] - e.slope)) <= s.height / s.width * temperature * near);
        }
      }
    }
  }
}

TEST_CASE("a staircase of sigmoids leaves NaN as it is, in every lane") {
  const SigmoidStairs s{.temperature = 4, .width = 0.1, .height = 0.1, .middle = 0, .steps = 15};
  for (std::size_t at = 0; at < 20; ++at) {
    std::vector<float> x(20, 0.33F);
    x[at] = std::numeric_limits<float>::quiet_NaN();
    Guarded<float> in(x), y(x.size()), slope(x.size());
    kernels().sigmoid_stairs(20, s, in.data(), y.data(), slope.data());
    for (std::size_t i = 0; i < x.size(); ++i) CHECK(std::isnan(y.data()[i]) == (i == at));
  }
}
