// The profile. Oracles: a clock that advances by one at every reading, and a network whose operations are known.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "tempera/core/kernels/peak.hpp"
#include "tempera/core/ops/activations.hpp"
#include "tempera/core/ops/conv2d.hpp"
#include "tempera/core/ops/matmul.hpp"
#include "tempera/core/ops/softmax.hpp"
#include "tempera/core/profile.hpp"
#include "tempera/core/variable.hpp"

namespace tempera::core {
namespace {

thread_local std::int64_t readings = 0;

std::int64_t tick() noexcept { return ++readings; }

// [4, 3] → linear 5 → relu → linear 2 → cross-entropy, as layers would call it.
struct Network {
  Variable w1{Tensor::full({5, 3}, Scalar{0.5}), true}, w2{Tensor::full({2, 5}, Scalar{0.5}), true};

  [[nodiscard]] Variable loss(const Variable& x) const {
    constexpr std::array<std::int32_t, 4> kLabels{0, 1, 0, 1};
    Variable y;
    {
      const ScopeName scope("fc1");
      y = linear(x, w1, {});
    }
    {
      const ScopeName scope("act");
      y = relu(y);
    }
    {
      const ScopeName scope("fc2");
      y = linear(y, w2, {});
    }
    return cross_entropy(y, kLabels);
  }

  void step() const {
    backward(loss(Variable(Tensor::full({4, 3}, Scalar{1}))));
    lap_between();
  }
};

// "forward fc1: linear ×1" of every operation, the rest left out.
std::vector<std::string> operations_of(const Profile& profile) {
  std::vector<std::string> lines;
  for (const ProfileEntry& e : profile.entries()) {
    if (e.phase == Phase::kOutside) continue;
    lines.push_back(std::string(phase_name(e.phase)) + " " + e.scope + ": " + e.op + " x" + std::to_string(e.calls));
  }
  return lines;
}

std::vector<std::string> expected(const std::string& calls) {
  std::vector<std::string> lines{"forward fc1: linear x",     "forward act: relu x",        "forward fc2: linear x",
                                 "forward : cross_entropy x", "backward : cross_entropy x", "backward fc2: linear x",
                                 "backward act: relu x",      "backward fc1: linear x"};
  for (std::string& line : lines) line += calls;
  return lines;
}

double flop_of(const Profile& profile, Phase phase, std::string_view scope) {
  double flop = 0;
  for (const ProfileEntry& e : profile.entries()) flop += e.phase == phase && e.scope == scope ? e.flop : 0;
  return flop;
}

}  // namespace

TEST_CASE("a profile lists every operation that ran, forward and backward, once with its calls") {
  const Network network;
  Profile profile(tick);
  const Profiling on(profile);
  network.step();
  CHECK(operations_of(profile) == expected("1"));
  const std::size_t entries = profile.entries().size();
  network.step();
  network.step();
  CHECK(operations_of(profile) == expected("3"));
  CHECK(profile.entries().size() == entries);
}

TEST_CASE("the entries of a profile add up to all the time between its start and its last lap") {
  const Network network;
  Profile profile(tick);
  const Profiling on(profile);
  const std::int64_t start = readings;
  network.step();
  CHECK(profile.nanoseconds() == readings - start);
  std::int64_t sum = 0, laps = 0;
  for (const ProfileEntry& e : profile.entries()) {
    sum += e.nanoseconds;
    laps += e.calls;
  }
  CHECK(sum == profile.nanoseconds());
  CHECK(laps == readings - start);  // a lap reads the clock once
}

TEST_CASE("a profile counts two operations for every term of a product, of those gradients only that are needed") {
  const Network network;
  Profile profile(tick);
  const Profiling on(profile);
  network.step();
  CHECK(flop_of(profile, Phase::kForward, "fc1") == 2 * 4 * 3 * 5);
  CHECK(flop_of(profile, Phase::kBackward, "fc1") == 2 * 4 * 3 * 5);  // the data wants no gradient
  CHECK(flop_of(profile, Phase::kForward, "fc2") == 2 * 4 * 5 * 2);
  CHECK(flop_of(profile, Phase::kBackward, "fc2") == 2 * 2 * 4 * 5 * 2);
  CHECK(flop_of(profile, Phase::kForward, "act") == 0);
}

TEST_CASE("a convolution's count is that of its nested loops, whatever algorithm runs") {
  // 2 images, 3 channels of 6 × 6, 4 outputs by 3 × 3 windows: 4 × 4 results of 27 terms each.
  const Variable x(Tensor::full({2, 3, 6, 6}, Scalar{1})), w(Tensor::full({4, 3, 3, 3}, Scalar{1}), true);
  const double terms = 2.0 * 4 * 16 * 27;
  Profile profile(tick);
  const Profiling on(profile);
  const Variable y = conv2d(x, w, {}, {});
  backward(y, Tensor::full(y.shape(), Scalar{1}));
  CHECK(flop_of(profile, Phase::kForward, "") == 2 * terms);
  CHECK(flop_of(profile, Phase::kBackward, "") == 2 * terms);
}

TEST_CASE("only the thread that profiles is profiled, and only as long as it asks") {
  const Network network;
  Profile profile(tick);
  {
    const Profiling on(profile);
    std::thread([&network] { network.step(); }).join();
    CHECK(profile.entries().empty());
  }
  network.step();
  CHECK(profile.entries().empty());
}

TEST_CASE("the work of the peak measurement is as many multiply-adds as asked for, at every level, and finite") {
  for (const Isa level : available_isas()) {
    CAPTURE(isa_name(level));
    Scalar value = 1;
    const std::int64_t few = multiply_adds_in_registers(level, 10, value);
    CHECK(few > 0);
    CHECK(multiply_adds_in_registers(level, 1000, value) == 100 * few);
    CHECK(std::isfinite(value));
  }
}

}  // namespace tempera::core
