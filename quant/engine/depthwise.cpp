// Convolutions of each channel by itself: all channels of a cell at once.
#include <algorithm>
#include <array>

#include "tempera/quant/engine/panels.hpp"
#include "tempera/quant/engine/window.hpp"

namespace tempera::quant::engine {
namespace {

constexpr std::int64_t kBlock = 16;  // windows at a time

class Depthwise final : public Step {
 public:
  Depthwise(const StepSource& source, const program::Conv2d& layer)
      : input_(source.input()),
        output_(source.output()),
        out_shape_(source.output_buffer().shape),
        stride_(layer.stride),
        image_(source.input(), source.input_buffer().shape, layer.padding),
        writer_(source.output(), layer.requant, out_shape_[0]) {
    const core::Shape& w = layer.weight.shape;
    const std::int64_t cells = w[2] * w[3], channels = w[0];
    WeightRows rows{.out = channels, .length = cells, .values = {}};
    for (std::size_t i = 0; i < layer.weight.values.size(); ++i) {
      const std::size_t channel = i / static_cast<std::size_t>(cells);
      const std::int32_t zero = layer.weight.zero_points.empty() ? 0 : layer.weight.zero_points[channel];
      rows.values.push_back(static_cast<std::int16_t>(layer.weight.values[i] - zero));
    }
    bias_ = rows.corrected(layer.bias, input_.offset - input_.zero_point);
    for (std::int64_t cell = 0; cell < cells; ++cell) {
      for (std::int64_t c = 0; c < channels; ++c) {
        weight_.push_back(rows.values[static_cast<std::size_t>(c * cells + cell)]);
      }
      offsets_.push_back(cell / w[3] * layer.dilation[0] * image_.row() + cell % w[3] * layer.dilation[1] * channels);
    }
  }

  [[nodiscard]] std::int64_t scratch_bytes() const override { return sums_bytes() + 2 * image_.values() + 64; }

  void run(const Frame& frame) const override {
    const std::int64_t channels = out_shape_[0], cell = output_.cell();
    auto* sums = reinterpret_cast<std::int32_t*>(frame.scratch);
    for (std::int64_t i = 0; i < frame.samples; ++i) {
      const std::int16_t* x =
          image_.fill(frame.at<std::int16_t>(input_, i), reinterpret_cast<std::int16_t*>(frame.scratch + sums_bytes()));
      std::byte* y = frame.bytes_at(output_, i);
      for (std::int64_t oy = 0; oy < out_shape_[1]; ++oy) {
        for (std::int64_t ox = 0; ox < out_shape_[2]; ox += kBlock) {
          const std::int64_t count = std::min(kBlock, out_shape_[2] - ox), step = stride_[1] * channels;
          core::int_kernels().dot_windows({.count = count,
                                           .channels = channels,
                                           .step = step,
                                           .cells = static_cast<std::int64_t>(offsets_.size()),
                                           .offsets = offsets_.data(),
                                           .x = x + oy * stride_[0] * image_.row() + ox * step},
                                          weight_.data(), bias_.data(), sums);
          writer_.write(count, 0, channels, sums, channels, y, channels);
          y += count * channels * cell;
        }
      }
    }
  }

 private:
  [[nodiscard]] std::int64_t sums_bytes() const { return (kBlock * out_shape_[0] * 4 + 255) / 64 * 64; }

  Place input_, output_;
  core::Shape out_shape_;
  std::array<std::int64_t, 2> stride_;
  PaddedImage image_;
  Output writer_;
  std::vector<std::int16_t> weight_;  // [cell][channel]
  std::vector<std::int32_t> bias_;
  std::vector<std::int64_t> offsets_;
};

}  // namespace

std::unique_ptr<Step> make_depthwise(const StepSource& source, const program::Conv2d& layer) {
  return std::make_unique<Depthwise>(source, layer);
}

}  // namespace tempera::quant::engine
