#include "tempera/datasets/gather.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tempera/core/errors.hpp"
#include "tempera/core/kernels/table.hpp"

namespace tempera::data {
namespace {

constexpr std::size_t kAhead = 4;         // samples that are asked for before their turn
constexpr std::size_t kMostAhead = 4096;  // bytes of each; the processor goes on by itself

void affine(std::span<const float> x, Scalar scale, Scalar shift, Scalar* y) noexcept {
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = static_cast<Scalar>(x[i]) * scale + shift;
}

}  // namespace

Gather::Gather(Split split, const Normalization& normalization, const Augmentation& augment, std::uint64_t seed)
    : split_(std::move(split)), random_(seed, "augment") {
  const auto channels = static_cast<std::size_t>(split_.pixels().sample()[0]);
  if (normalization.scale.size() != channels || normalization.shift.size() != channels) {
    throw core::ShapeError(
        fmt::format("normalization: needs a scale and a shift for each of {} channels, received {} and "
                    "{}",
                    channels, normalization.scale.size(), normalization.shift.size()));
  }
  const auto to_scalar = [](double value) { return static_cast<Scalar>(value); };
  std::ranges::transform(normalization.scale, std::back_inserter(scale_), to_scalar);
  std::ranges::transform(normalization.shift, std::back_inserter(shift_), to_scalar);
  for (const auto& config : augment) transforms_.push_back(data::transforms().make(*config));
  if (!transforms_.empty()) scratch_.resize(static_cast<std::size_t>(split_.pixels().sample_size()));
}

void Gather::fill(std::int64_t epoch, std::span<const std::int64_t> samples, core::Batch& batch) {
  const auto count = static_cast<std::int64_t>(samples.size());
  batch.inputs = {};  // first, so that its memory can be handed out again on the next line
  batch.inputs = core::Tensor(split_.pixels().sample().with_batch(count));
  batch.indices.assign(samples.begin(), samples.end());
  batch.labels.resize(samples.size());
  Scalar* out = batch.inputs.mutable_data();
  for (std::size_t i = 0; i < samples.size(); ++i, out += split_.pixels().sample_size()) {
    if (i + kAhead < samples.size()) prefetch(samples[i + kAhead]);
    batch.labels[i] = split_.label(samples[i]);
    if (transforms_.empty()) {
      store(samples[i], out);
    } else {
      store_augmented(epoch, samples[i], out);
    }
  }
}

// The samples of a batch lie anywhere in memory, far from each other: each would begin with a wait.
void Gather::prefetch(std::int64_t sample) const noexcept {
  if (!split_.pixels().is_bytes()) return;
  const std::span<const std::uint8_t> bytes = split_.pixels().bytes(split_.position(sample));
  for (std::size_t i = 0; i < bytes.size() && i < kMostAhead; i += 64) __builtin_prefetch(bytes.data() + i);
}

void Gather::store(std::int64_t sample, Scalar* out) const {
  const Pixels& pixels = split_.pixels();
  const std::int64_t position = split_.position(sample);
  const std::int64_t plane = pixels.sample()[1] * pixels.sample()[2];
  for (std::size_t c = 0; c < scale_.size(); ++c) {
    const std::int64_t first = static_cast<std::int64_t>(c) * plane;
    if (pixels.is_bytes()) {
      core::kernels().normalize_u8(plane, pixels.bytes(position).data() + first, scale_[c], shift_[c], out + first);
    } else {
      affine(pixels.floats(position).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(plane)),
             scale_[c], shift_[c], out + first);
    }
  }
}

void Gather::store_augmented(std::int64_t epoch, std::int64_t sample, Scalar* out) {
  const Pixels& pixels = split_.pixels();
  const core::Shape& shape = pixels.sample();
  const std::int64_t position = split_.position(sample);
  const auto unit = static_cast<Scalar>(pixels.unit());
  if (pixels.is_bytes()) {
    core::kernels().normalize_u8(pixels.sample_size(), pixels.bytes(position).data(), unit, Scalar{0}, out);
  } else {
    affine(pixels.floats(position), unit, Scalar{0}, out);
  }
  const ImageView image{out, scratch_.data(), shape[0], shape[1], shape[2]};
  const core::Random random =
      random_.substream(static_cast<std::uint64_t>(epoch)).substream(static_cast<std::uint64_t>(sample));
  for (std::size_t t = 0; t < transforms_.size(); ++t) transforms_[t]->apply(image, random.substream(t));
  for (std::size_t c = 0; c < scale_.size(); ++c) {
    Scalar* plane = out + static_cast<std::int64_t>(c) * image.plane();
    const Scalar scale = scale_[c] / unit;
    for (std::int64_t i = 0; i < image.plane(); ++i) plane[i] = plane[i] * scale + shift_[c];
  }
}

}  // namespace tempera::data
