// The "data" section of an experiment.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tempera/core/fields.hpp"
#include "tempera/datasets/gather.hpp"
#include "tempera/datasets/normalization.hpp"

namespace tempera::data {

enum class SetName { kMnist, kFashionMnist, kIdx, kNpy, kSyntheticBlobs, kSyntheticDigits, kSyntheticRandom };

struct SetInfo {
  std::string_view name;
  std::string_view help;
};

/// In the order of SetName.
inline constexpr std::array<SetInfo, 7> kSets{{
    {"mnist", "handwritten digits, 60 000 + 10 000 of 28×28 (LeCun, Cortes, Burges)"},
    {"fashion_mnist", "articles of clothing in MNIST's format (Xiao, Rasul, Vollgraf 2017)"},
    {"idx", "four IDX files of your own, gzipped or not"},
    {"npy", "four .npy files of your own: bytes or floats"},
    {"synthetic_blobs", "one Gaussian cluster per class around a random centre"},
    {"synthetic_digits", "seven-segment digits of random place, size and brightness, with noise"},
    {"synthetic_random", "random pixels with random labels: nothing can be learnt"},
}};

[[nodiscard]] constexpr std::string_view set_name(SetName set) { return kSets[static_cast<std::size_t>(set)].name; }
[[nodiscard]] constexpr bool is_synthetic(SetName set) { return set >= SetName::kSyntheticBlobs; }

/// What is set aside where a config does not say: a twelfth of the training samples, of 2 or more at least 1, and at most the
/// 5000 that are customary for MNIST.
[[nodiscard]] std::int64_t default_validation(std::int64_t train);

/// Which set is taken where the named one is not found.
enum class Fallback { kNone, kMnist, kFashionMnist, kSyntheticBlobs, kSyntheticDigits, kSyntheticRandom };

/// The paths of idx and npy sets. Relative ones start at data.dir, or at the working directory without it.
struct OwnFiles {
  std::string train_images, train_labels, test_images, test_labels;
  void fields(core::FieldVisitor& v);
};

/// Shape and size of synthetic sets.
struct SyntheticConfig {
  std::int64_t train = 1000;
  std::int64_t test = 200;
  std::int64_t classes = 10;
  std::int64_t channels = 1;
  std::int64_t height = 28;
  std::int64_t width = 28;
  double noise = 0.15;
  std::int64_t seed = 0;
  void fields(core::FieldVisitor& v);
};

struct DataConfig {
  SetName name = SetName::kMnist;
  std::optional<std::string> dir;
  Fallback fallback = Fallback::kNone;
  /// Nothing only where the size of the set is known first when it is read: then default_validation of it.
  std::optional<std::int64_t> validation;
  Normalize normalize = Normalize::kMeanStd;
  Augmentation augment;
  OwnFiles files;
  std::int64_t classes = 10;
  std::vector<std::string> class_names;
  SyntheticConfig synthetic;
  std::optional<std::int64_t> train_limit;
  std::optional<std::int64_t> test_limit;

  /// Training samples of the set, where the config alone tells: not of files of the user's own, nor where a synthetic set
  /// may take the place of another one.
  [[nodiscard]] std::optional<std::int64_t> declared_train() const;
  void fields(core::FieldVisitor& v);
};

}  // namespace tempera::data
