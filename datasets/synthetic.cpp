#include "tempera/datasets/synthetic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tempera/core/errors.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/random.hpp"

namespace tempera::data {
namespace {

constexpr std::int64_t kGrain = 64;  // samples per parallel chunk

core::Random random_of(SetName set, const SyntheticConfig& config, std::string_view part) {
  return core::Random(static_cast<std::uint64_t>(config.seed), fmt::format("{}/{}", set_name(set), part));
}

std::int64_t size_of(const SyntheticConfig& c, std::int64_t samples, std::int64_t bytes_per_pixel) {
  const double bytes = static_cast<double>(samples) * static_cast<double>(c.channels) * static_cast<double>(c.height) *
                       static_cast<double>(c.width) * static_cast<double>(bytes_per_pixel);
  if (bytes > static_cast<double>(kMaxFileBytes)) {
    throw core::ConfigError(
        {{.pointer = "/data/synthetic",
          .message = fmt::format("a set may have {} bytes, this one would have {:.3g}", kMaxFileBytes, bytes)}});
  }
  return samples * c.channels * c.height * c.width;
}

Split blobs(const SyntheticConfig& c, std::string_view part, std::int64_t samples) {
  const std::int64_t total = size_of(c, samples, sizeof(float));
  const std::int64_t pixels = total / samples;
  const core::Random centres = random_of(SetName::kSyntheticBlobs, c, "centres");
  const core::Random noise = random_of(SetName::kSyntheticBlobs, c, part);
  const auto data = std::make_shared_for_overwrite<float[]>(static_cast<std::size_t>(total));
  std::vector<std::int32_t> labels(static_cast<std::size_t>(samples));
  core::parallel_for(samples, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t label = i % c.classes;
      labels[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(label);
      for (std::int64_t p = 0; p < pixels; ++p) {
        const auto at = static_cast<std::uint64_t>(i * pixels + p);
        const double centre = centres.uniform(static_cast<std::uint64_t>(label * pixels + p));
        data[at] = static_cast<float>(centre + c.noise * noise.normal(at));
      }
    }
  });
  return {Pixels({c.channels, c.height, c.width}, data, samples), std::move(labels)};
}

/// A digit of random place, size and brightness with noise; the same in all channels but for the noise.
void draw_sample(const SyntheticConfig& c, int digit, const core::Random& random, std::span<std::uint8_t> out) {
  const auto between = [&](std::uint64_t index, double low, double high) {
    return low + (high - low) * random.uniform(index);
  };
  const auto h = static_cast<double>(c.height);
  const auto w = static_cast<double>(c.width);
  SegmentBox box{.width = w * between(0, 0.35, 0.6), .height = h * between(1, 0.55, 0.85)};
  box.left = between(2, 0, w - box.width);
  box.top = between(3, 0, h - box.height);
  box.thickness = std::max(1.0, std::min(w, h) * between(4, 0.06, 0.12));
  const auto brightness = static_cast<std::uint8_t>(between(5, 150, 255));
  const auto plane = static_cast<std::size_t>(c.height * c.width);
  for (std::size_t first = 0; first < out.size(); first += plane) {
    draw_segments(out.subspan(first, plane), c.width, digit, box, brightness);
  }
  constexpr std::uint64_t kNoiseBegins = 16;
  for (std::size_t i = 0; i < out.size() && c.noise > 0; ++i) {
    const double value = out[i] + 255 * c.noise * random.normal(kNoiseBegins + i);
    out[i] = static_cast<std::uint8_t>(std::clamp(std::round(value), 0.0, 255.0));
  }
}

Split bytes_split(SetName set, const SyntheticConfig& c, std::string_view part, std::int64_t samples) {
  const std::int64_t total = size_of(c, samples, 1);
  const std::int64_t pixels = total / samples;
  const core::Random random = random_of(set, c, part);
  const auto data = std::make_shared<std::uint8_t[]>(static_cast<std::size_t>(total));
  std::vector<std::int32_t> labels(static_cast<std::size_t>(samples));
  core::parallel_for(samples, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const core::Random own = random.substream(static_cast<std::uint64_t>(i));
      const std::span<std::uint8_t> image(data.get() + i * pixels, static_cast<std::size_t>(pixels));
      auto& label = labels[static_cast<std::size_t>(i)];
      if (set == SetName::kSyntheticDigits) {
        label = static_cast<std::int32_t>(i % c.classes);
        draw_sample(c, label, own, image);
      } else {
        label = static_cast<std::int32_t>(own.below(0, static_cast<std::uint64_t>(c.classes)));
        for (std::size_t p = 0; p < image.size(); ++p) image[p] = static_cast<std::uint8_t>(own.bits(p + 1));
      }
    }
  });
  return {Pixels({c.channels, c.height, c.width}, Bytes(data, static_cast<std::size_t>(total))), std::move(labels)};
}

}  // namespace

void draw_segments(std::span<std::uint8_t> plane, std::int64_t plane_width, int digit, const SegmentBox& box,
                   std::uint8_t brightness) {
  // Bits: top, upper left, upper right, middle, lower left, lower right, bottom.
  constexpr std::array<unsigned, 10> kLit{0b1110111, 0b0010010, 0b1011101, 0b1011011, 0b0111010,
                                          0b1101011, 0b1101111, 0b1010010, 0b1111111, 0b1111011};
  const double half = (box.height - box.thickness) / 2;
  const double side = box.width - box.thickness;
  struct Stroke {
    double x, y, width, height;
  };
  const Stroke strokes[] = {{0, 0, box.width, box.thickness},
                            {0, 0, box.thickness, half + box.thickness},
                            {side, 0, box.thickness, half + box.thickness},
                            {0, half, box.width, box.thickness},
                            {0, half, box.thickness, half + box.thickness},
                            {side, half, box.thickness, half + box.thickness},
                            {0, 2 * half, box.width, box.thickness}};
  for (std::size_t s = 0; s < 7; ++s) {
    if ((kLit[static_cast<std::size_t>(digit)] >> (6 - s) & 1U) == 0) continue;
    const double left = box.left + strokes[s].x;
    const double top = box.top + strokes[s].y;
    for (std::size_t i = 0; i < plane.size(); ++i) {
      const std::int64_t row = static_cast<std::int64_t>(i) / plane_width;
      const std::int64_t column = static_cast<std::int64_t>(i) % plane_width;
      const double x = static_cast<double>(column) + 0.5, y = static_cast<double>(row) + 0.5;
      if (x >= left && x < left + strokes[s].width && y >= top && y < top + strokes[s].height) plane[i] = brightness;
    }
  }
}

Dataset make_synthetic(SetName set, const SyntheticConfig& config) {
  if (!is_synthetic(set)) throw core::ConfigError(fmt::format("\"{}\" is no synthetic set", set_name(set)));
  if (set == SetName::kSyntheticDigits && config.classes > 10) {
    throw core::ConfigError("synthetic_digits has at most 10 classes");
  }
  const auto make = [&](std::string_view part, std::int64_t samples) {
    return set == SetName::kSyntheticBlobs ? blobs(config, part, samples) : bytes_split(set, config, part, samples);
  };
  Dataset result;
  result.name = set_name(set);
  for (std::int64_t i = 0; i < config.classes; ++i) result.classes.push_back(std::to_string(i));
  result.train = make("train", config.train);
  result.test = make("test", config.test);
  result.sha256 = content_hash(result.train, result.test);
  result.origin = fmt::format("made with seed {}", config.seed);
  return result;
}

}  // namespace tempera::data
