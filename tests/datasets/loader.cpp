// Oracle: the definition of a pass: a permutation cut into batches, each pixel times scale plus shift.
#include "tempera/datasets/loader.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <iterator>
#include <limits>
#include <numeric>
#include <set>
#include <stdexcept>
#include <thread>

#include "datasets/files.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/datasets/config.hpp"
#include "tempera/datasets/synthetic.hpp"

using namespace tempera;

namespace {

data::Split some_split(std::int64_t samples) {
  return data::make_synthetic(data::SetName::kSyntheticRandom,
                              {.train = samples, .test = 1, .channels = 2, .height = 3, .width = 5})
      .train;
}

data::Augmentation augmentation(std::initializer_list<const char*> names) {
  data::Augmentation list;
  for (const char* name : names) list.emplace_back(data::transforms().create(name));
  return list;
}

const data::Normalization kPlain{{1.0 / 255, 2.0 / 255}, {0.0, -1.0}};

/// All batches of a pass from `first` on.
std::vector<core::Batch> run(core::BatchSource& source, std::int64_t epoch, std::int64_t first = 0) {
  std::vector<core::Batch> batches;
  source.start(epoch, first);
  for (core::Batch batch; source.next(batch);) batches.push_back(batch);
  return batches;
}

bool same(const core::Batch& a, const core::Batch& b) {
  return a.labels == b.labels && a.indices == b.indices && a.inputs.shape() == b.inputs.shape() &&
         std::ranges::equal(a.inputs.values(), b.inputs.values());
}

bool same(const std::vector<core::Batch>& a, const std::vector<core::Batch>& b) {
  return std::ranges::equal(a, b, [](const auto& x, const auto& y) { return same(x, y); });
}

/// Threads the process is allowed: with one, loaders prepare nothing ahead.
class Threads {
 public:
  explicit Threads(int count) : before_(core::thread_count()) { core::set_thread_count(count); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  ~Threads() { core::set_thread_count(before_); }

 private:
  int before_;
};

std::int64_t tasks_of_process() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), std::filesystem::directory_iterator());
}

}  // namespace

TEST_CASE("a pass shows every sample once, with its own label and normalised pixels") {
  const data::Split split = some_split(53);
  data::Loader loader(split, kPlain, {}, {.batch = 8, .seed = 4});
  CHECK(loader.batches_per_epoch() == 7);
  const auto batches = run(loader, 0);
  REQUIRE(batches.size() == 7);
  CHECK(batches.back().size() == 5);
  std::set<std::int64_t> seen;
  for (const core::Batch& batch : batches) {
    REQUIRE(batch.inputs.shape() == core::Shape{batch.size(), 2, 3, 5});
    for (std::size_t i = 0; i < batch.labels.size(); ++i) {
      const std::int64_t sample = batch.indices[i];
      seen.insert(sample);
      REQUIRE(batch.labels[i] == split.label(sample));
      for (std::size_t p = 0; p < 30; ++p) {
        const double byte = split.pixels().bytes(sample)[p];
        REQUIRE(batch.inputs.values()[i * 30 + p] == doctest::Approx(p < 15 ? byte / 255 : byte * 2 / 255 - 1));
      }
    }
  }
  CHECK(seen.size() == 53);
}

TEST_CASE("passes are shuffled differently, and differently by seed; without shuffling they are in order") {
  const data::Split split = some_split(40);
  const auto order = [&](std::uint64_t seed, std::int64_t epoch, bool shuffle) {
    data::Loader loader(split, kPlain, {}, {.batch = 40, .seed = seed, .shuffle = shuffle});
    return run(loader, epoch).front().indices;
  };
  CHECK(order(1, 0, true) != order(1, 1, true));
  CHECK(order(1, 0, true) != order(2, 0, true));
  CHECK(order(1, 5, true) == order(1, 5, true));
  std::vector<std::int64_t> in_order(40);
  std::iota(in_order.begin(), in_order.end(), 0);
  CHECK(order(1, 3, false) == in_order);
}

TEST_CASE("preparing ahead changes no bit, with transforms and without, whatever the depth") {
  const Threads two(2);
  const data::Split split = some_split(101);
  for (const auto& augment : {augmentation({}), augmentation({"jitter", "rotate", "noise"})}) {
    data::Loader reference(split, kPlain, augment, {.batch = 16, .seed = 9, .ahead = 0});
    for (const std::int64_t ahead : {1, 2, 4, 20}) {
      data::Loader loader(split, kPlain, augment, {.batch = 16, .seed = 9, .ahead = ahead});
      for (std::int64_t epoch = 0; epoch < 3; ++epoch) CHECK(same(run(loader, epoch), run(reference, epoch)));
    }
  }
}

TEST_CASE("a loader has a thread of its own only where more than one is allowed, and the same bits either way") {
  const data::Split split = some_split(101);
  std::vector<std::vector<core::Batch>> passes;
  for (const int allowed : {1, 2}) {
    const Threads threads(allowed);
    const std::int64_t before = tasks_of_process();
    data::Loader loader(split, kPlain, augmentation({"noise"}), {.batch = 16, .seed = 9});
    passes.push_back(run(loader, 2));
    CHECK(tasks_of_process() == before + allowed - 1);
  }
  CHECK(same(passes[0], passes[1]));
}

TEST_CASE("a pass that is resumed in the middle goes on with the same bits") {
  const data::Split split = some_split(64);
  const auto augment = augmentation({"flip", "cutout"});
  data::Loader whole(split, kPlain, augment, {.batch = 10, .seed = 2});
  const auto expected = run(whole, 3);
  for (std::int64_t first = 0; first <= 7; ++first) {
    data::Loader resumed(split, kPlain, augment, {.batch = 10, .seed = 2});
    CHECK(same(run(resumed, 3, first), {expected.begin() + first, expected.end()}));
  }
}

TEST_CASE("what a transform does to a sample does not depend on the batch it is in") {
  const data::Split split = some_split(30);
  const auto augment = augmentation({"noise"});
  data::Loader small(split, kPlain, augment, {.batch = 4, .seed = 2});
  data::Loader large(split, kPlain, augment, {.batch = 30, .seed = 2});
  const core::Batch all = run(large, 1).front();
  std::size_t at = 0;
  for (const core::Batch& batch : run(small, 1)) {
    for (const Scalar value : batch.inputs.values()) REQUIRE(value == all.inputs.values()[at++]);
  }
  CHECK(at == 30 * 30);
}

TEST_CASE("drop_last leaves out exactly the smaller batch") {
  const data::Split split = some_split(25);
  data::Loader loader(split, kPlain, {}, {.batch = 10, .drop_last = true});
  CHECK(loader.samples() == 20);
  CHECK(loader.batches_per_epoch() == 2);
  CHECK(run(loader, 0).size() == 2);
  data::Loader none(split, kPlain, {}, {.batch = 26, .drop_last = true});
  CHECK(run(none, 0).empty());
}

TEST_CASE("a batch of more samples than there are, up to the largest number, is one of all samples") {
  const data::Split split = some_split(25);
  data::Loader all(split, kPlain, 25);
  for (const std::int64_t batch : {std::int64_t{26}, std::numeric_limits<std::int64_t>::max()}) {
    CAPTURE(batch);
    data::Loader larger(split, kPlain, batch);
    CHECK(larger.batches_per_epoch() == 1);
    CHECK(same(run(larger, 0), run(all, 0)));
    data::Loader dropped(split, kPlain, {}, {.batch = batch, .drop_last = true});
    CHECK(dropped.batches_per_epoch() == 0);
  }
}

TEST_CASE("a pass that is abandoned leaves nothing behind in the next") {
  const Threads two(2);
  const data::Split split = some_split(200);
  data::Loader loader(split, kPlain, {}, {.batch = 4, .seed = 1});
  data::Loader reference(split, kPlain, {}, {.batch = 4, .seed = 1, .ahead = 0});
  core::Batch batch;
  for (std::int64_t epoch = 0; epoch < 30; ++epoch) {
    loader.start(epoch, 0);
    for (std::int64_t i = 0; i < epoch % 7; ++i) REQUIRE(loader.next(batch));
    REQUIRE(same(run(loader, epoch, 20), run(reference, epoch, 20)));
  }
}

TEST_CASE("a loader may be dropped in the middle of a pass, or unused") {
  const Threads two(2);
  const data::Split split = some_split(100);
  for (int i = 0; i < 20; ++i) {
    data::Loader loader(split, kPlain, {}, {.batch = 4});
    if (i % 3 == 0) continue;
    loader.start(0, 0);
    core::Batch batch;
    if (i % 3 == 1) REQUIRE(loader.next(batch));
  }
}

namespace {

struct Thrower final : data::Transform {
  struct Config {
    void fields(core::FieldVisitor& /*v*/) {}
  };
  explicit Thrower(const Config& /*config*/) {}
  void apply(const data::ImageView& /*image*/, const core::Random& /*random*/) const override {
    throw std::domain_error("a transform of the user's");
  }
};

}  // namespace

TEST_CASE("an exception of a user's transform comes out of next, and the loader can be started again") {
  const Threads two(2);
  const data::Split split = some_split(20);
  data::TransformRegistry& registry = data::transforms();
  registry.add<Thrower>("thrower", "throws");
  data::Loader loader(split, kPlain, augmentation({"thrower"}), {.batch = 5});
  core::Batch batch;
  for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
    loader.start(epoch, 0);
    CHECK_THROWS_AS(static_cast<void>(loader.next(batch)), std::domain_error);
  }
}

TEST_CASE("after two passes a loader takes no more memory from the system") {
  const Threads two(2);
  const data::Split split = some_split(500);
  data::Loader loader(split, kPlain, {}, {.batch = 64});
  core::Batch batch;
  const auto pass = [&](std::int64_t epoch) {
    loader.start(epoch, 0);
    while (loader.next(batch)) std::this_thread::yield();
  };
  // The most batches that can be alive: the caller's, those ready, the one being made, and a smaller last one.
  std::vector<core::Tensor> warm;
  for (int i = 0; i < 8; ++i) {
    warm.emplace_back(core::Shape{64, 2, 3, 5});
    warm.emplace_back(core::Shape{500 % 64, 2, 3, 5});
  }
  warm.clear();
  pass(0);
  const auto before = core::allocator_stats().system_allocations;
  for (std::int64_t epoch = 1; epoch < 10; ++epoch) pass(epoch);
  CHECK(core::allocator_stats().system_allocations == before);
}

TEST_CASE("a loader refuses what makes no sense") {
  const data::Split split = some_split(20);
  CHECK_THROWS_AS(data::Loader(split, kPlain, 0), core::ConfigError);
  CHECK_THROWS_AS(data::Loader(split, data::Normalization{{1}, {0}}, 5), core::ShapeError);
  data::Loader loader(split, kPlain, 5);
  core::Batch batch;
  CHECK_THROWS_AS(static_cast<void>(loader.next(batch)), core::Error);
  CHECK_THROWS_AS(loader.start(0, 5), core::Error);
  CHECK_THROWS_AS(loader.start(-1, 0), core::Error);
}
