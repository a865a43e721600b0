// Oracle: closed forms for statistics, and the definition of each synthetic set.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>

#include "datasets/files.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/datasets/normalization.hpp"
#include "tempera/datasets/sha256.hpp"
#include "tempera/datasets/synthetic.hpp"

using namespace tempera;

namespace {

data::Split bytes_split(const core::Shape& sample, const test::ByteVector& bytes) {
  const auto n = static_cast<std::size_t>(static_cast<std::int64_t>(bytes.size()) / sample.numel());
  return {data::Pixels(sample, test::as_bytes(bytes)), std::vector<std::int32_t>(n, 0)};
}

// Two images of two pixels, 0 and `size`.
data::Split two_floats(float size) {
  const std::shared_ptr<float[]> floats(new float[4]{0, size, size, 0});
  return {data::Pixels({1, 1, 2}, floats, 2), {0, 1}};
}

}  // namespace

TEST_CASE("SHA-256 gives the digests of FIPS 180-4's examples") {
  const test::ByteVector abc{'a', 'b', 'c'};
  CHECK(data::hex(data::sha256(abc)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(data::hex(data::sha256({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("mean and deviation are those of the closed form, by channel") {
  // Channel 0: 0, 1, 2, 3 in two images; channel 1: all 200. Variance of 0…3 is 5/4.
  const data::Split split = bytes_split({2, 1, 2}, {0, 1, 200, 200, 2, 3, 200, 200});
  const auto statistics = data::channel_statistics(split);
  CHECK(statistics[0].mean == 1.5);
  CHECK(statistics[0].deviation == doctest::Approx(std::sqrt(1.25)).epsilon(1e-15));
  CHECK(statistics[1].mean == 200);
  CHECK(statistics[1].deviation == 0);
  const data::Normalization n = data::normalization(data::Normalize::kMeanStd, split);
  CHECK(3 * n.scale[0] + n.shift[0] == doctest::Approx(1.5 / std::sqrt(1.25)));
  CHECK(200 * n.scale[1] + n.shift[1] == doctest::Approx(0));  // a constant channel is centred and stays finite
  CHECK(std::isfinite(n.scale[1]));
}

TEST_CASE("a channel of subnormal pixels, whose deviation has no finite reciprocal, is centred and stays finite") {
  for (const float size : {1e-44F, 1e-40F, 1e-38F}) {
    CAPTURE(size);
    const data::Split split = two_floats(size);
    const data::Normalization n = data::normalization(data::Normalize::kMeanStd, split);
    CHECK(std::isfinite(static_cast<float>(n.scale[0])));
    for (const float pixel : {0.0F, size}) {
      const float input = pixel * static_cast<float>(n.scale[0]) + static_cast<float>(n.shift[0]);
      CHECK(std::abs(input) <= size);
    }
  }
  const data::Normalization n = data::normalization(data::Normalize::kMeanStd, two_floats(1e-37F));
  CHECK(1e-37F * static_cast<float>(n.scale[0]) + static_cast<float>(n.shift[0]) == doctest::Approx(1));
}

TEST_CASE("statistics of many bright pixels do not overflow") {
  const data::Split split = bytes_split({1, 100, 100}, test::ByteVector(1000000, 255));
  CHECK(data::channel_statistics(split)[0].mean == 255);
  CHECK(data::channel_statistics(split)[0].deviation == 0);
}

TEST_CASE("the other normalisations map full scale to [0, 1] and to [-1, 1]") {
  const data::Split split = bytes_split({1, 1, 2}, {0, 255});
  const auto ends = [&](data::Normalize mode) {
    const data::Normalization n = data::normalization(mode, split);
    return std::pair(n.shift[0], 255 * n.scale[0] + n.shift[0]);
  };
  CHECK(ends(data::Normalize::kNone) == std::pair(0.0, 1.0));
  CHECK(ends(data::Normalize::kMinusOneOne) == std::pair(-1.0, 1.0));
}

TEST_CASE("validation is a fixed draw: disjoint, complete, in file order, the same every time, and of all classes") {
  // Sorted by class, as files of one's own often are.
  const auto make = [] {
    data::Dataset set;
    std::vector<std::int32_t> labels(1000);
    for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int32_t>(i / 100);
    set.train = {data::Pixels({1, 1, 1}, test::as_bytes(test::ByteVector(1000))), labels};
    data::carve_validation(set, 200);
    return set;
  };
  const data::Dataset set = make();
  const data::Dataset again = make();
  REQUIRE(set.train.size() == 800);
  REQUIRE(set.validation.size() == 200);
  std::set<std::int64_t> positions;
  std::set<std::int32_t> classes;
  for (const data::Split* split : {&set.train, &set.validation}) {
    for (std::int64_t i = 0; i < split->size(); ++i) {
      positions.insert(split->position(i));
      if (i > 0) REQUIRE(split->position(i - 1) < split->position(i));
    }
  }
  for (std::int64_t i = 0; i < 200; ++i) {
    classes.insert(set.validation.label(i));
    REQUIRE(set.validation.position(i) == again.validation.position(i));
  }
  CHECK(positions.size() == 1000);
  CHECK(classes.size() == 10);
}

TEST_CASE("validation must leave something to train on") {
  data::Dataset set;
  set.name = "tiny";
  set.train = bytes_split({1, 1, 1}, {1, 2, 3});
  const auto refused = test::message_of<core::ConfigError>([&] { data::carve_validation(set, 3); });
  CHECK(refused ==
        "/data/validation: must leave training samples: the set \"tiny\" has 3, got 3; give at most 2, such as "
        "\"data\": {\"validation\": 1}, or null for that share");
}

TEST_CASE("synthetic sets depend on their seed and on nothing else") {
  for (const auto name :
       {data::SetName::kSyntheticBlobs, data::SetName::kSyntheticDigits, data::SetName::kSyntheticRandom}) {
    data::SyntheticConfig config{.train = 300, .test = 20, .height = 12, .width = 10};
    const data::Dataset first = data::make_synthetic(name, config);
    core::set_thread_count(core::thread_count() == 1 ? 2 : 1);
    CHECK(data::make_synthetic(name, config).sha256 == first.sha256);
    config.seed = 1;
    CHECK(data::make_synthetic(name, config).sha256 != first.sha256);
    CHECK(first.train.size() == 300);
    CHECK(first.test.size() == 20);
    CHECK(first.sample() == core::Shape{1, 12, 10});
    CHECK(first.classes.size() == 10);
  }
}

TEST_CASE("a blob's samples scatter about its centre with the deviation that is asked for") {
  const data::Dataset set = data::make_synthetic(
      data::SetName::kSyntheticBlobs, {.train = 4000, .test = 1, .classes = 2, .height = 1, .width = 1, .noise = 0.2});
  for (std::int64_t label = 0; label < 2; ++label) {
    double sum = 0, squares = 0;
    for (std::int64_t i = label; i < 4000; i += 2) {
      REQUIRE(set.train.label(i) == label);
      const double x = set.train.pixels().floats(i)[0];
      sum += x;
      squares += x * x;
    }
    const double mean = sum / 2000;
    CHECK(std::sqrt(squares / 2000 - mean * mean) == doctest::Approx(0.2).epsilon(0.07));  // four deviations
    CHECK(mean > -0.02);
    CHECK(mean < 1.02);
  }
}

TEST_CASE("the ten seven-segment pictures are different, 8 covers all, and 1 lights the two right strokes") {
  std::set<test::ByteVector> pictures;
  test::ByteVector eight(15 * 9);
  data::draw_segments(eight, 9, 8, {0, 0, 9, 15, 1}, 255);
  for (int digit = 0; digit < 10; ++digit) {
    test::ByteVector plane(15 * 9);
    data::draw_segments(plane, 9, digit, {0, 0, 9, 15, 1}, 255);
    pictures.insert(plane);
    for (std::size_t i = 0; i < plane.size(); ++i) CHECK(plane[i] <= eight[i]);
    if (digit != 1) continue;
    for (std::size_t i = 0; i < plane.size(); ++i) CHECK(plane[i] == (i % 9 == 8 ? 255 : 0));
  }
  CHECK(pictures.size() == 10);
}

TEST_CASE("an image for pictures is in units of full scale") {
  const data::Split split = bytes_split({1, 1, 3}, {0, 51, 255});
  CHECK(std::ranges::equal(split.image(0).values(), std::vector<Scalar>{0, Scalar{0.2F}, 1}));
}
