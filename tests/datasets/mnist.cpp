// On the real MNIST where it is found, else on Fashion-MNIST with its own numbers. Oracle: the published statistics of
// either set, which were computed by others.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "datasets/files.hpp"
#include "tempera/core/kernels/table.hpp"
#include "tempera/datasets/load.hpp"
#include "tempera/datasets/loader.hpp"
#include "tempera/datasets/locate.hpp"

using namespace tempera;

namespace {

/// The set that this machine has, without touching the network; nothing if it has neither.
const data::LoadedData* real_set() {
  static const auto loaded = []() -> std::optional<data::LoadedData> {
    data::Environment environment = data::Environment::of_process();
    environment.download = false;
    environment.cache.reset();
    data::DataConfig config;
    config.fallback = data::Fallback::kFashionMnist;
    try {
      return data::load(config, environment);
    } catch (const data::SetNotFound& error) {
      MESSAGE("skipped: " << error.what());
      return std::nullopt;
    }
  }();
  return loaded ? &*loaded : nullptr;
}

}  // namespace

TEST_CASE("MNIST, or else Fashion-MNIST, has 55 000 + 5 000 + 10 000 images of 28x28 and its published first labels") {
  const data::LoadedData* loaded = real_set();
  if (loaded == nullptr) return;
  const data::Dataset& set = loaded->set;
  CHECK(set.train.size() == 55000);
  CHECK(set.validation.size() == 5000);
  CHECK(set.test.size() == 10000);
  CHECK(set.sample() == core::Shape{1, 28, 28});
  const std::vector<std::int32_t> expected =
      set.name == "mnist" ? std::vector<std::int32_t>{7, 2, 1, 0, 4} : std::vector<std::int32_t>{9, 2, 1, 1, 6};
  for (std::int64_t i = 0; i < 5; ++i) CHECK(set.test.label(i) == expected[static_cast<std::size_t>(i)]);
}

TEST_CASE("mean and deviation over the 60 000 training images are the published ones") {
  const data::LoadedData* loaded = real_set();
  if (loaded == nullptr) return;
  data::DataConfig config;
  config.name = loaded->used == "mnist" ? data::SetName::kMnist : data::SetName::kFashionMnist;
  config.validation = 0;
  data::Environment environment = data::Environment::of_process();
  environment.cache.reset();
  const auto statistics = data::channel_statistics(data::load(config, environment).set.train).front();
  const bool digits = config.name == data::SetName::kMnist;
  // Known from countless scripts as 0.1307 and 0.3081, or 0.2860 and 0.3530.
  CHECK(statistics.mean / 255 == doctest::Approx(digits ? 0.1307 : 0.2860).epsilon(0.0005));
  CHECK(statistics.deviation / 255 == doctest::Approx(digits ? 0.3081 : 0.3530).epsilon(0.0005));
}

TEST_CASE("a normalised pass over the training images has mean 0 and deviation 1") {
  const data::LoadedData* loaded = real_set();
  if (loaded == nullptr) return;
  data::Loader loader(loaded->set.train, loaded->normalization, {}, {.batch = 500});
  double sum = 0, squares = 0;
  loader.start(0, 0);
  for (core::Batch batch; loader.next(batch);) {
    sum += core::kernels().sum(batch.inputs.numel(), batch.inputs.data());
    squares += core::kernels().sum_squares(batch.inputs.numel(), batch.inputs.data());
  }
  const double n = 55000.0 * 784;
  CHECK(std::abs(sum / n) < 1e-4);
  CHECK(squares / n == doctest::Approx(1).epsilon(1e-4));
}
