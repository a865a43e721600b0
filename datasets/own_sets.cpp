#include "tempera/datasets/own_sets.hpp"

#include <fmt/format.h>

#include <utility>

#include "tempera/core/errors.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/datasets/decompressed.hpp"
#include "tempera/datasets/npy.hpp"

namespace tempera::data {
namespace {

constexpr std::int64_t kLabelsBegin = 8;  // in an IDX file of rank 1
constexpr std::int64_t kExtentsBegin = 4;

/// Reads the four files, several at once; of several errors the first file's is thrown.
template <class T, class Read>
std::array<T, 4> read_four(const FileSet& files, Read read) {
  std::array<T, 4> result;
  core::parallel_for(4, 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i)
      result[i] = read(files.files[i]);
  });
  return result;
}

Pixels idx_images(const IdxArray& array, const std::string& file) {
  const auto& e = array.extents;
  if (e.size() < 3) throw core::DataError(file, 3, "images must have rank 3 or 4, received rank 1: are these labels?");
  return e.size() == 3 ? Pixels({1, e[1], e[2]}, array.elements) : Pixels({e[1], e[2], e[3]}, array.elements);
}

std::vector<std::int32_t> idx_labels(const IdxArray& array, std::int64_t classes, const std::string& file) {
  if (array.extents.size() != 1) {
    throw core::DataError(
        file, 3, fmt::format("labels must have rank 1, received rank {}: are these images?", array.extents.size()));
  }
  const auto bytes = array.elements.span();
  std::vector<std::int32_t> labels(bytes.begin(), bytes.end());
  check_labels(labels, classes, file, kLabelsBegin, 1);
  return labels;
}

Split pair(Pixels pixels, std::vector<std::int32_t> labels, const FileSet& files, std::size_t first) {
  if (pixels.count() != static_cast<std::int64_t>(labels.size())) {
    throw core::DataError(files.files[first + 1].string(), kExtentsBegin,
                          fmt::format("every image needs one label: {} has {} images, this file has {} labels",
                                      files.files[first].string(), pixels.count(), labels.size()));
  }
  return {std::move(pixels), std::move(labels)};
}

void check_shapes(const Dataset& set, const FileSet& files) {
  if (set.train.pixels().sample() == set.test.pixels().sample()) return;
  throw core::DataError(files.files[2].string(), kExtentsBegin,
                        fmt::format("test images must have the shape of the training images, {}, received {}",
                                    set.train.pixels().sample().text(), set.test.pixels().sample().text()));
}

void check_content(const HashedIdx& file, std::size_t i, const std::string& path, const KnownSet& expected) {
  const std::string received = hex(file.sha256);
  if (received == expected.sha256[i]) return;
  throw core::DataError(path, fmt::format("is not {}'s {}: the SHA-256 of its content is {}, expected {}; for files of "
                                          "your own use \"name\": \"idx\"",
                                          expected.title, kMnistFiles[i], received, expected.sha256[i]));
}

}  // namespace

Dataset load_idx(const FileSet& files, std::int64_t classes, const KnownSet* expected, const Environment& environment) {
  auto four = read_four<HashedIdx>(files, [&](const auto& path) { return read_idx_file(path, environment.cache); });
  std::array<std::string, 4> names;
  std::vector<std::uint8_t> digests;
  for (std::size_t i = 0; i < 4; ++i) {
    names[i] = files.files[i].string();
    if (expected != nullptr) check_content(four[i], i, names[i], *expected);
    digests.insert(digests.end(), four[i].sha256.begin(), four[i].sha256.end());
  }
  const auto split = [&](std::size_t first) {
    return pair(idx_images(four[first].array, names[first]),
                idx_labels(four[first + 1].array, classes, names[first + 1]), files, first);
  };
  Dataset set;
  set.train = split(0);
  set.test = split(2);
  check_shapes(set, files);
  set.sha256 = hex(sha256(digests));
  set.origin = files.origin;
  set.passed_over = files.passed_over;
  return set;
}

Dataset load_npy(const FileSet& files, std::int64_t classes) {
  const auto four =
      read_four<NpyArray>(files, [](const auto& path) { return parse_npy(read_file(path), path.string()); });
  const auto split = [&](std::size_t first) {
    return pair(npy_images(four[first], files.files[first].string()),
                npy_labels(four[first + 1], classes, files.files[first + 1].string()), files, first);
  };
  Dataset set;
  set.train = split(0);
  set.test = split(2);
  check_shapes(set, files);
  if (set.train.pixels().is_bytes() != set.test.pixels().is_bytes()) {
    throw core::DataError(files.files[2].string(),
                          "training and test images must both be uint8 or both be of another type");
  }
  set.sha256 = content_hash(set.train, set.test);
  set.origin = files.origin;
  return set;
}

Dataset load_own(const DataConfig& config, const Environment& environment) {
  const bool npy = config.name == SetName::kNpy;
  const std::filesystem::path dir = config.dir.value_or("");
  FileSet files;
  if (config.files.train_images.empty() && !npy) {
    files = files_in(dir);
  } else {
    OwnFiles names = config.files;
    if (names.train_images.empty())
      names = {"train_images.npy", "train_labels.npy", "test_images.npy", "test_labels.npy"};
    files = {{dir / names.train_images, dir / names.train_labels, dir / names.test_images, dir / names.test_labels},
             config.dir.value_or("files of data.files")};
  }
  Dataset set = npy ? load_npy(files, config.classes) : load_idx(files, config.classes, nullptr, environment);
  set.name = set_name(config.name);
  set.classes = config.class_names;
  for (std::int64_t i = 0; set.classes.size() < static_cast<std::size_t>(config.classes); ++i) {
    set.classes.push_back(std::to_string(i));
  }
  return set;
}

}  // namespace tempera::data
