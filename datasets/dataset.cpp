#include "tempera/datasets/dataset.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "tempera/core/errors.hpp"
#include "tempera/core/random.hpp"
#include "tempera/datasets/config.hpp"
#include "tempera/datasets/sha256.hpp"

namespace tempera::data {

Split::Split(Pixels pixels, std::vector<std::int32_t> labels)
    : pixels_(std::move(pixels)),
      labels_(std::make_shared<const std::vector<std::int32_t>>(std::move(labels))),
      positions_(labels_->size()) {
  if (size() != pixels_.count()) {
    throw core::DataError(
        "", fmt::format("every image needs one label: there are {} images and {} labels", pixels_.count(), size()));
  }
  std::iota(positions_.begin(), positions_.end(), 0);
}

Split Split::subset(const std::vector<std::int64_t>& positions) const {
  Split result = *this;
  result.positions_.resize(positions.size());
  std::ranges::transform(positions, result.positions_.begin(), [this](std::int64_t i) {
    if (i < 0 || i >= size())
      throw core::ShapeError(fmt::format("sample {} of {}: there is no such sample", i, size()));
    return position(i);
  });
  return result;
}

Split Split::first(std::int64_t count) const {
  Split result = *this;
  result.positions_.resize(static_cast<std::size_t>(std::min(std::max<std::int64_t>(count, 0), size())));
  return result;
}

core::Tensor Split::image(std::int64_t i) const {
  core::Tensor result(pixels_.sample());
  if (pixels_.is_bytes()) {
    std::ranges::transform(pixels_.bytes(position(i)), result.mutable_data(),
                           [](std::uint8_t byte) { return static_cast<Scalar>(byte / 255.0); });
  } else {
    std::ranges::copy(pixels_.floats(position(i)), result.mutable_data());
  }
  return result;
}

void check_labels(const std::vector<std::int32_t>& labels, std::int64_t classes, const std::string& file,
                  std::int64_t header, std::int64_t width) {
  const auto bad = std::ranges::find_if(labels, [&](std::int32_t label) { return label < 0 || label >= classes; });
  if (bad == labels.end()) return;
  const auto i = bad - labels.begin();
  throw core::DataError(
      file, header + i * width,
      fmt::format("a label of {} classes must be 0 to {}, sample {} has {}", classes, classes - 1, i, *bad));
}

std::string content_hash(const Split& train, const Split& test) {
  std::vector<std::uint8_t> digests;
  const auto append = [&](std::span<const std::uint8_t> bytes) {
    const Digest digest = sha256(bytes);
    digests.insert(digests.end(), digest.begin(), digest.end());
  };
  for (const Split* split : {&train, &test}) {
    std::string facts = fmt::format("{} {} {};", split->pixels().sample().text(), split->size(),
                                    split->pixels().is_bytes() ? "u8" : "f32");
    for (std::int64_t i = 0; i < split->size(); ++i) facts += fmt::format("{},", split->label(i));
    append({reinterpret_cast<const std::uint8_t*>(facts.data()), facts.size()});
    append(split->pixels().memory());
  }
  return hex(sha256(digests));
}

void carve_validation(Dataset& set, std::int64_t count) {
  const std::int64_t total = set.train.size();
  if (count < 0 || count >= total) {
    throw core::ConfigError(
        {{.pointer = "/data/validation",
          .message =
              fmt::format("must leave training samples: the set \"{0}\" has {1}, got {2}; give at most {3}, such "
                          "as \"data\": {{\"validation\": {4}}}, or null for that share",
                          set.name, total, count, std::max<std::int64_t>(total - 1, 0), default_validation(total))}});
  }
  std::vector<std::int64_t> order = core::Random(0, "validation").permutation(total);
  const auto cut = order.begin() + count;
  std::sort(order.begin(), cut);
  std::sort(cut, order.end());
  const Split whole = std::move(set.train);
  set.validation = whole.subset({order.begin(), cut});
  set.train = whole.subset({cut, order.end()});
}

}  // namespace tempera::data
