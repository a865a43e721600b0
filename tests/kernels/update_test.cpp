// Oracle: the optimizers' update rules in double precision. Buffers end at pages without access.
#include <doctest/doctest.h>

#include "kernels/support.hpp"
#include "tempera/core/kernels/table.hpp"

namespace {

using namespace tempera::test;
using tempera::core::kernels;

constexpr double kBound = 8 * kUlp;

double d(float x) { return static_cast<double>(x); }

}  // namespace

TEST_CASE("momentum SGD follows its rule with and without momentum, Nesterov and decay, at every size") {
  for (const std::int64_t n : kSizes) {
    for (const float momentum : {0.0F, 0.9F}) {
      for (const bool nesterov : {false, true}) {
        const auto g = uniform(n, -1, 1, 20), v = uniform(n, -1, 1, 21), w = uniform(n, -1, 1, 22);
        Guarded<float> gradient(g), velocity(v), weight(w);
        kernels().sgd(n, 0.1F, momentum, 0.01F, nesterov, gradient.data(), momentum == 0 ? nullptr : velocity.data(),
                      weight.data());
        const auto new_v = velocity.values(), new_w = weight.values();
        for (std::size_t i = 0; i < g.size(); ++i) {
          const double decayed = d(g[i]) + d(0.01F) * d(w[i]);
          const double moved = momentum == 0 ? d(v[i]) : d(momentum) * d(v[i]) + decayed;
          const double step = momentum == 0 ? decayed : nesterov ? decayed + d(momentum) * moved : moved;
          CHECK(std::abs(d(new_v[i]) - moved) <= kBound);
          CHECK(std::abs(d(new_w[i]) - (d(w[i]) - d(0.1F) * step)) <= kBound);
        }
      }
    }
  }
}

TEST_CASE("Adam follows its rule, with L2 and with decoupled decay, at every size") {
  constexpr float kBeta1 = 0.9F, kBeta2 = 0.999F, kEpsilon = 1e-8F, kC1 = 0.19F, kC2 = 0.002F;
  for (const std::int64_t n : kSizes) {
    for (const float decay : {0.0F, 0.1F}) {
      const float decoupled = 0.1F - decay;
      const auto g = uniform(n, -1, 1, 23), m = uniform(n, -1, 1, 24), v = uniform(n, 0, 1, 25),
                 w = uniform(n, -1, 1, 26);
      Guarded<float> gradient(g), mean(m), square(v), weight(w);
      kernels().adam(n, 0.01F, kBeta1, kBeta2, kEpsilon, kC1, kC2, decay, decoupled, gradient.data(), mean.data(),
                     square.data(), weight.data());
      const auto new_m = mean.values(), new_v = square.values(), new_w = weight.values();
      for (std::size_t i = 0; i < g.size(); ++i) {
        const double decayed = d(g[i]) + d(decay) * d(w[i]);
        const double next_m = d(kBeta1) * d(m[i]) + (1 - d(kBeta1)) * decayed;
        const double next_v = d(kBeta2) * d(v[i]) + (1 - d(kBeta2)) * decayed * decayed;
        const double step = (next_m / d(kC1)) / (std::sqrt(next_v / d(kC2)) + d(kEpsilon));
        CHECK(std::abs(d(new_m[i]) - next_m) <= kBound);
        CHECK(std::abs(d(new_v[i]) - next_v) <= kBound);
        CHECK(std::abs(d(new_w[i]) - (d(w[i]) - d(0.01F) * (step + d(decoupled) * d(w[i])))) <= kBound);
      }
    }
  }
}
