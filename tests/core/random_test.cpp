#include "tempera/core/random.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace {

using tempera::core::philox4x32;
using tempera::core::Random;
using Words = std::array<std::uint32_t, 4>;

}  // namespace

TEST_CASE("Philox4x32-10 gives the known answers that its authors publish with Random123 1.14 (kat_vectors)") {
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  constexpr std::uint32_t kOnes = 0xffffffff;
  CHECK(philox4x32({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}) ==
        Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("the stream number of a name is its 64-bit FNV-1a hash (vectors of the draft RFC)") {
  CHECK(tempera::core::stream_of("") == 0xcbf29ce484222325U);
  CHECK(tempera::core::stream_of("a") == 0xaf63dc4c8601ec8cU);
  CHECK(tempera::core::stream_of("foobar") == 0x85944171f73967e8U);
}

TEST_CASE("a number depends on seed, stream and index, and on nothing drawn before") {
  const Random random(1, "weights");
  const double first = random.uniform(12345);
  for (std::uint64_t i = 0; i < 100; ++i) (void)random.normal(i);
  CHECK(Random(1, "weights").uniform(12345) == first);
  CHECK(Random(2, "weights").uniform(12345) != first);
  CHECK(Random(1, "biases").uniform(12345) != first);
  CHECK(random.substream(0).uniform(12345) != first);
  CHECK(random.substream(0).uniform(12345) != random.substream(1).uniform(12345));
  CHECK(random.uniform(12346) != first);
}

TEST_CASE("uniform numbers lie in [0, 1) with the moments of the uniform distribution") {
  constexpr int kCount = 100000;  // standard error of the mean: sqrt(1/12/kCount) = 9e-4
  const Random random(7, "uniform");
  double sum = 0, squares = 0;
  for (std::uint64_t i = 0; i < kCount; ++i) {
    const double u = random.uniform(i);
    REQUIRE(u >= 0);
    REQUIRE(u < 1);
    sum += u;
    squares += u * u;
  }
  CHECK(sum / kCount == doctest::Approx(0.5).epsilon(0.01));
  CHECK(squares / kCount == doctest::Approx(1.0 / 3).epsilon(0.01));
}

TEST_CASE("normal numbers have the first four moments of the normal distribution") {
  constexpr int kCount = 100000;
  const Random random(7, "normal");
  double m1 = 0, m2 = 0, m4 = 0;
  for (std::uint64_t i = 0; i < kCount; ++i) {
    const double z = random.normal(i);
    m1 += z;
    m2 += z * z;
    m4 += z * z * z * z;
  }
  CHECK(std::abs(m1 / kCount) < 0.015);  // five standard errors
  CHECK(m2 / kCount == doctest::Approx(1).epsilon(0.025));
  CHECK(m4 / kCount == doctest::Approx(3).epsilon(0.06));
}

TEST_CASE("whole numbers below a bound reach every value about equally often") {
  const Random random(3, "below");
  std::array<int, 7> counts{};
  for (std::uint64_t i = 0; i < 70000; ++i) ++counts[random.below(i, 7)];
  for (const int count : counts) CHECK(std::abs(count - 10000) < 500);  // five standard deviations
  for (std::uint64_t i = 0; i < 100; ++i) CHECK(random.below(i, 1) == 0);
}

TEST_CASE("a permutation holds every number once, and its first place is evenly distributed") {
  std::array<int, 5> first{};
  for (std::uint64_t epoch = 0; epoch < 5000; ++epoch) {
    auto order = Random(1, "shuffle").substream(epoch).permutation(5);
    ++first[static_cast<std::size_t>(order[0])];
    std::ranges::sort(order);
    for (std::int64_t i = 0; i < 5; ++i) REQUIRE(order[static_cast<std::size_t>(i)] == i);
  }
  for (const int count : first) CHECK(std::abs(count - 1000) < 150);  // five standard deviations
  CHECK(Random(1, "shuffle").permutation(0).empty());
}

TEST_CASE("filling writes the numbers of the indices, scaled") {
  const Random random(5, "fill");
  std::array<tempera::Scalar, 9> values{};
  random.fill_uniform(values, -2, 6);
  for (std::size_t i = 0; i < values.size(); ++i) {
    CHECK(values[i] == static_cast<tempera::Scalar>(-2 + 8 * random.uniform(i)));
  }
  random.fill_normal(values, 1, 0.5);
  for (std::size_t i = 0; i < values.size(); ++i) {
    CHECK(values[i] == static_cast<tempera::Scalar>(1 + 0.5 * random.normal(i)));
  }
}
