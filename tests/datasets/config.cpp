// Oracle: the contract's example of a "data" section and its rules.
#include "tempera/datasets/config.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>

#include "datasets/files.hpp"
#include "tempera/core/config/reader.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/datasets/transforms/jitter.hpp"

using namespace tempera;
using test::contains;

namespace {

data::DataConfig parse(std::string_view json) {
  data::DataConfig config;
  core::read_json(json, "x.json", [&](core::FieldVisitor& v) { config.fields(v); });
  return config;
}

std::string refusal(std::string_view json) {
  return test::message_of<core::ConfigError>([&] { static_cast<void>(parse(json)); });
}

}  // namespace

TEST_CASE("the contract's data section means what it says") {
  const data::DataConfig config = parse(R"({"name": "mnist", "fallback": "fashion_mnist", "validation": 5000,
      "normalize": "mean_std", "augment": [{"type": "jitter", "pixels": 2}]})");
  CHECK(config.name == data::SetName::kMnist);
  CHECK(config.fallback == data::Fallback::kFashionMnist);
  CHECK(config.normalize == data::Normalize::kMeanStd);
  REQUIRE(config.augment.size() == 1);
  CHECK(config.augment[0]->type() == "jitter");
  const auto* jitter = dynamic_cast<const data::TransformRegistry::Of<data::Jitter>*>(config.augment[0].get());
  REQUIRE(jitter != nullptr);
  CHECK(jitter->config.pixels == 2);
}

TEST_CASE(
    "a validation part that nobody chose is a twelfth of the set, at most 5000, and a number where the size is known") {
  CHECK(parse("{}").validation == 5000);
  CHECK(parse(R"({"name": "synthetic_digits", "synthetic": {"train": 120}})").validation == 10);
  CHECK(parse(R"({"name": "synthetic_digits", "validation": 0})").validation == 0);
  CHECK_FALSE(parse(R"({"name": "idx", "dir": "/somewhere"})").validation);
  CHECK_FALSE(parse(R"({"fallback": "synthetic_digits"})").validation);
  for (const auto& [train, share] :
       {std::pair(0, 0), {1, 0}, {2, 1}, {23, 1}, {24, 2}, {60000, 5000}, {10000000, 5000}}) {
    CAPTURE(train);
    CHECK(data::default_validation(train) == share);
  }
}

TEST_CASE("without the key there is no fallback") { CHECK(parse("{}").fallback == data::Fallback::kNone); }

TEST_CASE("mistakes in the data section are refused with their place") {
  CHECK(contains(refusal(R"({"name": "mnits"})"), "/name"));
  CHECK(contains(refusal(R"({"fallback": "idx"})"), "/fallback"));
  CHECK(contains(refusal(R"({"validation": -1})"), "/validation"));
  CHECK(contains(refusal(R"({"augment": [{"type": "jitter", "pixels": -2}]})"), "/augment/0/pixels"));
  CHECK(contains(refusal(R"({"augment": [{"type": "jiter"}]})"), "jitter"));
  CHECK(contains(refusal(R"({"name": "idx"})"), "needs all four files"));
  CHECK(contains(refusal(R"({"name": "npy", "files": {"train_images": "a.npy"}})"), "needs all four files"));
  CHECK(refusal(R"({"name": "idx", "dir": "/somewhere"})").empty());
  CHECK(contains(refusal(R"({"classes": 3, "class_names": ["a", "b"]})"), "each of the 3 classes"));
  CHECK(contains(refusal(R"({"name": "synthetic_digits", "synthetic": {"classes": 11}})"), "at most 10 classes"));
}

TEST_CASE("the sets' names in configs are the contract's, in the order of the enumeration") {
  CHECK(data::set_name(data::SetName::kMnist) == "mnist");
  CHECK(data::set_name(data::SetName::kFashionMnist) == "fashion_mnist");
  CHECK(data::set_name(data::SetName::kIdx) == "idx");
  CHECK(data::set_name(data::SetName::kNpy) == "npy");
  for (const auto& [name, expected] : {std::pair{"synthetic_blobs", data::SetName::kSyntheticBlobs},
                                       std::pair{"synthetic_digits", data::SetName::kSyntheticDigits},
                                       std::pair{"synthetic_random", data::SetName::kSyntheticRandom}}) {
    CHECK(parse(std::string(R"({"name": ")") + name + "\"}").name == expected);
    CHECK(data::is_synthetic(expected));
  }
}
