#include "tempera/quant/dynamic/products.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "tempera/core/cached_allocator.hpp"
#include "tempera/core/kernels/int_table.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/quant/runs.hpp"

namespace tempera::quant::dynamic {
namespace {

using core::Tensor;

// Of whole steps of four bytes, and with the three values that kernels may read beyond a length: what shares a scale, and is
// multiplied by itself, ends there but begins anywhere.
std::int64_t stride_of(std::int64_t length) noexcept { return (length + 3 + 3) / 4 * 4; }

// z − qmin of every sample.
core::CachedVector<std::int32_t> shifts_of(const QParams& rows) {
  core::CachedVector<std::int32_t> shifts(rows.zero_point.begin(), rows.zero_point.end());
  for (std::int32_t& shift : shifts) shift -= rows.qmin;
  return shifts;
}

// q − z of a sample, with q as QParams::quantize gives it; `x` is finite.
void quantize_sample(const QParams& rows, std::size_t sample, std::int64_t n, const Scalar* x, std::int16_t* q) {
  const std::int32_t zero = rows.zero_point[sample];
  if (rows.rounding == Rounding::kHalfEven || rows.rounding == Rounding::kStochastic) {
    core::int_kernels().quantize_s16(n, x, rows.scale[sample], static_cast<float>(rows.qmin - zero),
                                     static_cast<float>(rows.qmax - zero), 0, q);
    return;
  }
  for (std::int64_t i = 0; i < n; ++i) {
    q[i] = static_cast<std::int16_t>(rows.quantize(static_cast<float>(x[i]), sample) - zero);
  }
}

// A sample's integers with 0 around them, the channels of each of its groups together: [groups, height, width, channels].
struct Image {
  std::int64_t groups, channels, height, width;
  [[nodiscard]] std::int64_t pixels() const noexcept { return channels * height * width; }  // of a group
};

void arrange(const Image& image, const core::Conv2dOptions& options, const std::int16_t* planes, std::int16_t* to) {
  const auto [down, across] = options.padding;
  const std::int64_t height = image.height - 2 * down, width = image.width - 2 * across;
  for (std::int64_t g = 0; g < image.groups; ++g, to += image.pixels()) {
    for (std::int64_t c = 0; c < image.channels; ++c) {
      for (std::int64_t h = 0; h < height; ++h, planes += width) {
        std::int16_t* row = to + ((h + down) * image.width + across) * image.channels + c;
        for (std::int64_t w = 0; w < width; ++w) row[w * image.channels] = planes[w];
      }
    }
  }
}

// Where the rows of a filter have gaps, or inputs share scales across channels, windows are copied. Values that lie together both
// in an image, `offset` from where a window begins, and in a row of the product.
struct Run {
  std::int64_t offset, length;
};

core::CachedVector<Run> runs_of(const Image& image, const core::Conv2dOptions& options,
                                std::array<std::int64_t, 2> kernel, const PackedWeight& weight) {
  core::CachedVector<Run> runs;
  runs.reserve(static_cast<std::size_t>(weight.length()));
  for (std::int64_t k = 0; k < weight.length(); ++k) {
    const std::int64_t at = weight.source(k), tap = at % (kernel[0] * kernel[1]);
    const std::int64_t h = tap / kernel[1] * options.dilation[0], w = tap % kernel[1] * options.dilation[1];
    const std::int64_t offset = (h * image.width + w) * image.channels + at / (kernel[0] * kernel[1]);
    if (!runs.empty() && runs.back().offset + runs.back().length == offset) {
      ++runs.back().length;
    } else {
      runs.push_back({offset, 1});
    }
  }
  return runs;
}

// Every window of a group as a row.
template <class T>
void unfold(const Image& image, const core::Conv2dOptions& options, const core::Shape& output,
            std::span<const Run> runs, const T* group, std::int64_t stride, T* row) {
  for (std::int64_t h = 0; h < output[1]; ++h) {
    for (std::int64_t w = 0; w < output[2]; ++w, row += stride) {
      const T* window = group + (h * options.stride[0] * image.width + w * options.stride[1]) * image.channels;
      T* to = row;
      for (const Run& run : runs) to = std::copy_n(window + run.offset, run.length, to);
    }
  }
}

}  // namespace

Tensor linear(const Tensor& x, const QParams& rows, const PackedWeight& weight, bool relu) {
  const std::int64_t batch = x.dim(0), length = weight.length(), stride = stride_of(length);
  Tensor y({batch, weight.outputs()});
  if (batch == 0) return y;
  const bool bytes = weight.takes_bytes(batch);
  core::CachedVector<std::int16_t> q(static_cast<std::size_t>(batch * stride));
  core::CachedVector<std::uint8_t> q_bytes(static_cast<std::size_t>(bytes ? batch * stride : 0));
  const core::CachedVector<std::int32_t> shifts = shifts_of(rows);
  const std::int64_t grain = std::max<std::int64_t>(1, kRunGrain / std::max<std::int64_t>(1, length));
  core::parallel_for(batch, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const auto sample = static_cast<std::size_t>(i);
      quantize_sample(rows, sample, length, x.data() + i * length, q.data() + i * stride);
      if (!bytes) continue;
      weight.kernels().narrow_u8(length, q.data() + i * stride, shifts[sample], q_bytes.data() + i * stride);
    }
  });
  weight.multiply(0, {.m = batch,
                      .q = q.data(),
                      .bytes = bytes ? q_bytes.data() : nullptr,
                      .shift = shifts.data(),
                      .line = stride,
                      .scale = rows.scale.data(),
                      .y = y.mutable_data(),
                      .y_row = weight.outputs(),
                      .relu = relu});
  return y;
}

Tensor conv2d(const Tensor& x, const QParams& rows, const PackedWeight& weight, const core::Conv2dOptions& options,
              std::array<std::int64_t, 2> kernel, const core::Shape& output) {
  const std::int64_t batch = x.dim(0), sample = x.numel() / std::max<std::int64_t>(1, batch);
  const Image image{.groups = options.groups,
                    .channels = x.dim(1) / options.groups,
                    .height = x.dim(2) + 2 * options.padding[0],
                    .width = x.dim(3) + 2 * options.padding[1]};
  const bool in_place = weight.segments() > 1 || weight.length() == image.channels;
  const core::CachedVector<Run> runs = in_place ? core::CachedVector<Run>() : runs_of(image, options, kernel, weight);
  const std::int64_t cells = output[1] * output[2], stride = stride_of(weight.length());
  const bool bytes = weight.takes_bytes(cells);
  const core::CachedVector<std::int32_t> shifts = shifts_of(rows);
  Tensor y(output.with_batch(batch));
  Scalar* results = y.mutable_data();
  core::parallel_for(batch, 1, [&](std::int64_t begin, std::int64_t end) {
    core::CachedVector<std::int16_t> planes(static_cast<std::size_t>(sample));
    // The border stays 0; one value more, which kernels may read.
    core::CachedVector<std::int16_t> arranged(static_cast<std::size_t>(image.groups * image.pixels() + 1));
    core::CachedVector<std::int16_t> matrix(static_cast<std::size_t>(in_place || bytes ? 0 : cells * stride));
    core::CachedVector<std::uint8_t> narrow(static_cast<std::size_t>(bytes ? image.groups * image.pixels() + 3 : 0));
    core::CachedVector<std::uint8_t> narrow_matrix(static_cast<std::size_t>(in_place || !bytes ? 0 : cells * stride));
    for (std::int64_t i = begin; i < end; ++i) {
      quantize_sample(rows, static_cast<std::size_t>(i), sample, x.data() + i * sample, planes.data());
      arrange(image, options, planes.data(), arranged.data());
      if (bytes) {
        weight.kernels().narrow_u8(image.groups * image.pixels(), arranged.data(), shifts[static_cast<std::size_t>(i)],
                                   narrow.data());
      }
      for (std::int64_t g = 0; g < weight.groups(); ++g) {
        const std::int16_t* group = arranged.data() + g * image.pixels();
        const std::uint8_t* group_bytes = bytes ? narrow.data() + g * image.pixels() : nullptr;
        Rows windows{.m = cells,
                     .q = group,
                     .bytes = group_bytes,
                     .shift = shifts.data() + i,
                     .step = options.stride[1] * image.channels,
                     .per_line = output[2],
                     .line = options.stride[0] * image.width * image.channels,
                     .segment = options.dilation[0] * image.width * image.channels,
                     .scale = rows.scale.data() + i,
                     .scale_step = 0,
                     .y = results + (i * output[0] + g * weight.outputs()) * cells,
                     .y_row = 1,
                     .y_output = cells,
                     .relu = options.relu};
        if (!in_place) {
          if (bytes) {
            unfold(image, options, output, runs, group_bytes, stride, narrow_matrix.data());
            windows.bytes = narrow_matrix.data();
          } else {
            unfold(image, options, output, runs, group, stride, matrix.data());
            windows.q = matrix.data();
          }
          windows.step = stride;
          windows.line = output[2] * stride;
        }
        weight.multiply(g, windows);
      }
    }
  });
  return y;
}

}  // namespace tempera::quant::dynamic
