// Oracle: the contract's order of places and rules, on files made for the test.
#include "tempera/datasets/load.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <vector>

#include "datasets/files.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/core/random.hpp"
#include "tempera/datasets/decompressed.hpp"
#include "tempera/datasets/locate.hpp"
#include "tempera/datasets/own_sets.hpp"

using namespace tempera;
using test::contains, test::idx_file;

namespace fs = std::filesystem;

namespace {

data::DataConfig own_config(const fs::path& dir) {
  data::DataConfig config;
  config.name = data::SetName::kIdx;
  config.dir = dir.string();
  config.classes = 3;
  config.validation = 2;
  return config;
}

/// Why a small set is refused after one of its files was replaced.
std::string refusal(const std::string& name, const test::ByteVector& bytes) {
  const test::TemporaryFolder folder;
  test::write_small_set(folder);
  for (const char* ending : {"", ".gz"}) fs::remove(folder.path() / (name + ending));
  folder.write(name, bytes);
  return test::message_of<core::DataError>(
      [&] { static_cast<void>(data::load(own_config(folder.path()), test::bare_environment(folder.path()))); });
}

}  // namespace

TEST_CASE("four files of one's own become a set, gzipped or not") {
  const test::TemporaryFolder folder;
  test::write_small_set(folder);
  const data::LoadedData loaded = data::load(own_config(folder.path()), test::bare_environment(folder.path()));
  CHECK(loaded.used == "idx");
  CHECK_FALSE(loaded.fallback);
  CHECK(loaded.set.train.size() == 4);
  CHECK(loaded.set.validation.size() == 2);
  CHECK(loaded.set.test.size() == 3);
  CHECK(loaded.set.classes == std::vector<std::string>{"0", "1", "2"});
  CHECK(loaded.set.sample() == core::Shape{1, 2, 2});
  CHECK(loaded.set.test.label(2) == 2);
  CHECK(loaded.set.test.pixels().bytes(1)[3] == 7);
}

TEST_CASE("files named one by one are taken relative to dir, and limits cut after validation was set aside") {
  const test::TemporaryFolder folder;
  test::write_small_set(folder);
  data::DataConfig config = own_config(folder.path());
  config.files = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz",
                  (folder.path() / "t10k-labels-idx1-ubyte").string()};
  config.train_limit = 3;
  config.test_limit = 1;
  const data::LoadedData loaded = data::load(config, test::bare_environment(folder.path()));
  CHECK(loaded.set.train.size() == 3);
  CHECK(loaded.set.validation.size() == 2);
  CHECK(loaded.set.test.size() == 1);
}

TEST_CASE(
    "a small set of one's own gives a share of itself where the config says no number, and one that it has not is "
    "told") {
  const test::TemporaryFolder folder;
  test::write_small_set(folder);
  data::DataConfig config = own_config(folder.path());
  config.validation.reset();
  const data::LoadedData loaded = data::load(config, test::bare_environment(folder.path()));
  CHECK(loaded.set.train.size() == 5);
  CHECK(loaded.set.validation.size() == 1);
  config.validation = 6;
  std::vector<core::ConfigIssue> issues;
  const data::LoadedData whole = data::load(config, test::bare_environment(folder.path()), issues);
  CHECK(whole.set.train.size() == 6);
  REQUIRE(issues.size() == 1);
  CHECK(contains(issues[0].message, "has 6, got 6; give at most 5"));
  CHECK_THROWS_AS(static_cast<void>(data::load(config, test::bare_environment(folder.path()))), core::ConfigError);
}

TEST_CASE("images and labels that do not fit together are refused") {
  CHECK(
      contains(refusal("train-labels-idx1-ubyte", idx_file({5}, {0, 1, 2, 0, 1})), "6 images, this file has 5 labels"));
  CHECK(contains(refusal("train-labels-idx1-ubyte", idx_file({6}, {0, 1, 2, 0, 77, 2})),
                 "train-labels-idx1-ubyte: at byte 12: a label of 3 classes must be 0 to 2, sample 4 has 77"));
  CHECK(contains(refusal("t10k-images-idx3-ubyte", idx_file({3, 2, 1}, {1, 2, 3, 4, 5, 6})),
                 "[1, 2, 2], received [1, 2, 1]"));
  CHECK(contains(refusal("train-images-idx3-ubyte", idx_file({6}, {0, 1, 2, 0, 1, 2})), "are these labels?"));
  CHECK(contains(refusal("t10k-labels-idx1-ubyte", idx_file({3, 1, 1}, {0, 1, 2})), "are these images?"));
  CHECK(contains(refusal("t10k-labels-idx1-ubyte", {0, 0, 8, 1}), "truncated"));
}

TEST_CASE("a folder without the four files is refused by what it lacks") {
  const test::TemporaryFolder folder;
  test::write_small_set(folder);
  fs::remove(folder.path() / "t10k-labels-idx1-ubyte");
  CHECK(contains(test::message_of<core::DataError>([&] { static_cast<void>(data::files_in(folder.path())); }),
                 "without t10k-labels-idx1-ubyte[.gz]"));
}

TEST_CASE("four npy files become a set of floats or bytes") {
  const test::TemporaryFolder folder;
  const auto array = [](const std::string& type, const std::string& shape, const test::ByteVector& elements) {
    return test::npy_file("{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }", elements);
  };
  const test::ByteVector half{0, 0, 0, 0x3F}, two{0, 0, 0, 0x40};  // 0.5 and 2 as float32
  test::ByteVector pixels = half;
  pixels.insert(pixels.end(), two.begin(), two.end());
  folder.write("train_images.npy", array("<f4", "(2, 1)", pixels));
  folder.write("train_labels.npy", array("|u1", "(2,)", {0, 1}));
  folder.write("test_images.npy", array("<f4", "(1, 1)", two));
  folder.write("test_labels.npy", array("|u1", "(1,)", {1}));
  data::DataConfig config = own_config(folder.path());
  config.name = data::SetName::kNpy;
  config.validation = 0;
  const data::LoadedData loaded = data::load(config, test::bare_environment(folder.path()));
  CHECK(loaded.set.train.pixels().floats(0)[0] == 0.5F);
  CHECK(loaded.set.test.pixels().floats(0)[0] == 2.0F);
  CHECK(loaded.normalization.scale[0] == doctest::Approx(1 / 0.75));  // mean 1.25, deviation 0.75
  folder.write("test_images.npy", array("|u1", "(1, 1)", {2}));
  CHECK_THROWS_AS(static_cast<void>(data::load(config, test::bare_environment(folder.path()))), core::DataError);
}

TEST_CASE("files that are not MNIST's are refused under its name, and idx is suggested") {
  const test::TemporaryFolder folder;
  test::write_small_set(folder);
  data::DataConfig config = own_config(folder.path());
  config.name = data::SetName::kMnist;
  config.fallback = data::Fallback::kSyntheticBlobs;  // is for a set that is missing, not for one that is wrong
  const std::string text = test::message_of<core::DataError>(
      [&] { static_cast<void>(data::load(config, test::bare_environment(folder.path()))); });
  CHECK(contains(text, "is not MNIST's train-images-idx3-ubyte: the SHA-256 of its content is"));
  CHECK(contains(text, "\"name\": \"idx\""));
}

TEST_CASE("a fallback is taken only where it is named, and the result says so") {
  const test::TemporaryFolder folder;
  const data::Environment environment = test::bare_environment(folder.path());
  data::DataConfig config;
  config.validation = 100;
  CHECK_THROWS_AS(static_cast<void>(data::load(config, environment)), data::SetNotFound);
  config.fallback = data::Fallback::kSyntheticDigits;
  const data::LoadedData loaded = data::load(config, environment);
  CHECK(loaded.requested == "mnist");
  CHECK(loaded.used == "synthetic_digits");
  CHECK(loaded.fallback);
  CHECK(contains(loaded.fallback_reason, "Looked in:"));
  config.fallback = data::Fallback::kFashionMnist;
  CHECK(contains(test::message_of<data::SetNotFound>([&] { static_cast<void>(data::load(config, environment)); }),
                 "Nor was the fallback"));
}

TEST_CASE("places are tried in the contract's order") {
  const test::TemporaryFolder folder;
  data::Environment environment = test::bare_environment(folder.path());
  environment.data = folder.path() / "env";
  environment.cache = folder.path() / "cache";
  const auto found = [&](const std::optional<std::string>& dir) {
    const std::string origin = data::locate(data::mnist(), dir, environment).origin;
    return origin.substr(origin.find('('));
  };
  const auto fill = [&](const std::string& place) {
    for (const auto name : data::kMnistFiles) folder.write(place + "/" + std::string(name), test::ByteVector{0});
  };
  fill("cache/mnist");
  CHECK(found(std::nullopt) == "(cache)");
  fill("working/data/mnist");
  CHECK(found(std::nullopt) == "(working directory)");
  fill("env/mnist");
  CHECK(found(std::nullopt) == "(TEMPERA_DATA)");
  fill("env");
  CHECK(data::locate(data::mnist(), std::nullopt, environment).files[0] ==
        folder.path() / "env" / data::kMnistFiles[0]);
  fill("named");
  CHECK(found((folder.path() / "named").string()) == "(data.dir)");
  fs::remove(folder.path() / "named" / data::kMnistFiles[3]);
  CHECK(found((folder.path() / "named").string()) == "(TEMPERA_DATA)");  // not all four are there
}

TEST_CASE("a data.dir that was passed over is named with the reason, one that was not is not") {
  const test::TemporaryFolder folder;
  data::Environment environment = test::bare_environment(folder.path());
  environment.data = folder.path() / "env";
  for (const char* place : {"env/", "named/"}) {
    for (const auto name : data::kMnistFiles) folder.write(place + std::string(name), test::ByteVector{0});
  }
  const auto passed_over = [&](const std::optional<std::string>& dir) {
    return data::locate(data::mnist(), dir, environment).passed_over;
  };
  const std::string named = (folder.path() / "named").string(), none = (folder.path() / "none").string();
  CHECK(passed_over(std::nullopt).empty());
  CHECK(passed_over(named).empty());
  CHECK(passed_over(none) == none + ": no such folder");
  fs::remove(fs::path(named) / data::kMnistFiles[3]);
  CHECK(passed_over(named) == named + ": without t10k-labels-idx1-ubyte[.gz]");
}

TEST_CASE("data.dir that is no folder is an error, not a reason to look elsewhere") {
  const test::TemporaryFolder folder;
  const fs::path file = folder.write("file", test::ByteVector{1});
  CHECK(contains(test::message_of<core::DataError>([&] {
                   static_cast<void>(data::locate(data::mnist(), file.string(), test::bare_environment(folder.path())));
                 }),
                 "data.dir cannot be read: Not a directory"));
}

TEST_CASE("unpacked copies with dots in their names are found") {
  const test::TemporaryFolder folder;
  folder.write("train-images.idx3-ubyte", test::ByteVector{0});
  CHECK(data::find_file(folder.path(), data::kMnistFiles[0]) == folder.path() / "train-images.idx3-ubyte");
  CHECK_FALSE(data::find_file(folder.path(), data::kMnistFiles[1]));
}

TEST_CASE("the cache of decompressed files gives the same content, and a damaged entry is not believed") {
  const test::TemporaryFolder folder;
  test::ByteVector pixels(3000 * 28 * 28);
  const core::Random random(1, "incompressible");
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(random.bits(i));
  const test::ByteVector plain = idx_file({3000, 28, 28}, pixels);
  const fs::path file = folder.write("images.gz", test::gzip(plain));
  const fs::path cache = folder.path() / "cache";
  const data::Digest expected = data::sha256(plain);
  CHECK(data::read_idx_file(file, std::nullopt).sha256 == expected);
  CHECK_FALSE(fs::exists(cache));
  CHECK(data::read_idx_file(file, cache).sha256 == expected);
  const fs::path entry = fs::directory_iterator(cache / "decompressed")->path();
  CHECK(fs::file_size(entry) == plain.size() + 32);
  CHECK(data::read_idx_file(file, cache).sha256 == expected);
  for (const std::uintmax_t size : {std::uintmax_t{0}, std::uintmax_t{31}, std::uintmax_t{5000}}) {
    fs::resize_file(entry, size);
    CHECK(data::read_idx_file(file, cache).sha256 == expected);
    CHECK(fs::file_size(entry) == plain.size() + 32);  // made anew
  }
  // A cache that cannot be written is done without.
  const fs::path blocked = folder.write("blocked", test::ByteVector{1});
  CHECK(data::read_idx_file(file, blocked).sha256 == expected);
}

TEST_CASE("the environment's variables are read as the contract says") {
  const auto with = [](const char* name, const char* value) {
    const char* before = std::getenv(name);
    const std::optional<std::string> saved = before == nullptr ? std::nullopt : std::optional<std::string>(before);
    ::setenv(name, value, 1);
    const data::Environment environment = data::Environment::of_process();
    saved ? ::setenv(name, saved->c_str(), 1) : ::unsetenv(name);
    return environment;
  };
  CHECK(with("TEMPERA_DATA", "/somewhere").data == "/somewhere");
  CHECK_FALSE(with("TEMPERA_DATA", "").data);
  CHECK(with("XDG_CACHE_HOME", "/x").cache == "/x/tempera");
  CHECK(with("XDG_CACHE_HOME", "relative").cache != "relative/tempera");
  CHECK(with("TEMPERA_MNIST_MIRROR", "http://h/").mirror == "http://h/");
}
