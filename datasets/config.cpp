#include "tempera/datasets/config.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tempera/datasets/transform.hpp"

namespace tempera::data {
namespace {

constexpr double kMostSamples = 1e8;
constexpr double kMostClasses = 10000;
constexpr double kMostPixels = 4096;

constexpr std::array<std::string_view, kSets.size()> set_names() {
  std::array<std::string_view, kSets.size()> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = kSets[i].name;
  return names;
}

constexpr auto kSetNames = set_names();
constexpr std::array<std::string_view, 6> kFallbacks{"none",
                                                     set_name(SetName::kMnist),
                                                     set_name(SetName::kFashionMnist),
                                                     set_name(SetName::kSyntheticBlobs),
                                                     set_name(SetName::kSyntheticDigits),
                                                     set_name(SetName::kSyntheticRandom)};
constexpr std::array<std::string_view, 3> kNormalize{"none", "mean_std", "minus_one_one"};

bool complete(const OwnFiles& f) {
  return !f.train_images.empty() && !f.train_labels.empty() && !f.test_images.empty() && !f.test_labels.empty();
}

bool absent(const OwnFiles& f) {
  return f.train_images.empty() && f.train_labels.empty() && f.test_images.empty() && f.test_labels.empty();
}

}  // namespace

std::int64_t default_validation(std::int64_t train) {
  constexpr std::int64_t kMost = 5000, kShare = 12;
  return train < 2 ? 0 : std::clamp<std::int64_t>(train / kShare, 1, kMost);
}

std::optional<std::int64_t> DataConfig::declared_train() const {
  constexpr std::int64_t kMnistTraining = 60000;  // Fashion-MNIST's, too
  if (is_synthetic(name)) return synthetic.train;
  const bool known = name == SetName::kMnist || name == SetName::kFashionMnist;
  const bool as_large =
      fallback == Fallback::kNone || fallback == Fallback::kMnist || fallback == Fallback::kFashionMnist;
  return known && as_large ? std::optional(kMnistTraining) : std::nullopt;
}

void OwnFiles::fields(core::FieldVisitor& v) {
  v.field("train_images", train_images, {.help = "path of the training images"});
  v.field("train_labels", train_labels, {.help = "path of the training labels"});
  v.field("test_images", test_images, {.help = "path of the test images"});
  v.field("test_labels", test_labels, {.help = "path of the test labels"});
}

void SyntheticConfig::fields(core::FieldVisitor& v) {
  v.field("train", train, {.help = "training samples", .unit = "samples", .min = 1, .max = kMostSamples});
  v.field("test", test, {.help = "test samples", .unit = "samples", .min = 1, .max = kMostSamples});
  v.field("classes", classes, {.help = "classes; synthetic_digits has at most 10", .min = 2, .max = kMostClasses});
  v.field("channels", channels, {.help = "channels of an image", .min = 1, .max = kMostPixels});
  v.field("height", height, {.help = "height of an image", .unit = "pixels", .min = 1, .max = kMostPixels});
  v.field("width", width, {.help = "width of an image", .unit = "pixels", .min = 1, .max = kMostPixels});
  v.field("noise", noise, {.help = "standard deviation of the noise", .unit = "full scale", .min = 0, .max = 100});
  v.field("seed", seed, {.help = "of the set's content; the run's seed does not change it", .min = 0});
}

void DataConfig::fields(core::FieldVisitor& v) {
  v.choice("name", name, kSetNames, {.help = "the data set"});
  v.field("dir", dir, {.help = "folder looked in first; for idx and npy the folder of the files"});
  v.choice(
      "fallback", fallback, kFallbacks,
      {.help = "the set to take where the named one is neither found nor can be downloaded; none: that is an error"});
  v.field(
      "validation", validation,
      {.help = "training samples set aside for validation, drawn by a fixed permutation that no seed changes; null: "
               "a twelfth of them, at most 5000",
       .unit = "samples",
       .min = 0,
       .max = kMostSamples});
  v.choice("normalize", normalize, kNormalize,
           {.help = "none: byte/255; mean_std: mean 0 and deviation 1 over the training samples, by channel; "
                    "minus_one_one: [0, 1] becomes [-1, 1]"});
  v.typed_list("augment", transforms(), augment,
               {.help = "random changes of training images, in this order, before they are normalised"});
  v.object("files", files, {.help = "idx and npy: the four files, relative to dir"});
  v.field("classes", classes, {.help = "idx and npy: number of classes", .min = 2, .max = kMostClasses});
  v.field("class_names", class_names, {.help = "idx and npy: names of the classes; empty: their numbers"});
  v.object("synthetic", synthetic, {.help = "size and shape of the synthetic sets"});
  v.field("train_limit", train_limit,
          {.help = "take only the first that many training samples, after validation was set aside",
           .unit = "samples",
           .min = 1,
           .max = kMostSamples});
  v.field("test_limit", test_limit,
          {.help = "take only the first that many test samples", .unit = "samples", .min = 1, .max = kMostSamples});

  // A resolved config is to have the number: those who read it need not know the rule, which may change.
  v.derive([this] {
    if (const auto train = declared_train(); train && !validation) validation = default_validation(*train);
  });

  const bool own = name == SetName::kIdx || name == SetName::kNpy;
  v.rule(!own || complete(files) || (dir && absent(files)), "files",
         fmt::format("\"{}\" needs all four files, or a dir that has them under their usual names", set_name(name)));
  v.rule(class_names.empty() || static_cast<std::int64_t>(class_names.size()) == classes, "class_names",
         fmt::format("must name each of the {} classes, received {} names", classes, class_names.size()));
  v.rule(name != SetName::kSyntheticDigits || synthetic.classes <= 10, "synthetic",
         fmt::format("synthetic_digits has at most 10 classes, received {}", synthetic.classes));
}

}  // namespace tempera::data
