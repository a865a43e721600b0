// Convolutions of 3 × 3 and 5 × 5 by minimal filtering: transformed inputs, a product for each position of a tile, and the
// tiles' outputs from the products. Strips of tiles are taken together so that their transforms stay in the cache.
#include <algorithm>

#include "tempera/core/integers.hpp"
#include "tempera/quant/engine/conv_rows.hpp"
#include "tempera/quant/engine/minimal_filter.hpp"
#include "tempera/quant/engine/product.hpp"
#include "tempera/quant/engine/window.hpp"

namespace tempera::quant::engine {
namespace {

using core::ceil_div;

constexpr std::int64_t kTiles = 48;  // at a time

std::int64_t line_of(std::int64_t bytes) { return core::round_up(bytes, 64); }

// How an image is cut into strips, and strips into blocks.
struct Cut {
  Cut(const FilterShape& shape, const core::Shape& output)
      : tiles(ceil_div(output[2], 4)),
        strips(ceil_div(output[1], shape.rows)),
        strip_rows(shape.both() ? 1 : shape.rows),
        border(shape.both() ? 0 : shape.taps - 1) {
    const std::int64_t most = std::max<std::int64_t>(1, kTiles / (tiles * strip_rows));
    block_strips = std::min(most, strips);
    block_samples = std::max<std::int64_t>(1, most / strips);
  }
  std::int64_t tiles;                        // in a row
  std::int64_t strips;                       // in an image
  std::int64_t strip_rows;                   // rows of tiles in a strip
  std::int64_t border;                       // rows of transformed inputs that a strip reads beyond its own
  std::int64_t block_strips, block_samples;  // a block is of one sample, or of whole ones

  [[nodiscard]] std::int64_t lines() const { return block_strips * strip_rows + border; }  // of a sample in a block
  [[nodiscard]] std::int64_t most_tiles() const { return block_samples * block_strips * strip_rows * tiles; }
};

struct Block {
  std::int64_t sample, samples, strip, strips;
};

class MinimalConv final : public Step {
 public:
  MinimalConv(const StepSource& source, const program::Conv2d& layer, const FilterShape& shape, MinimalWeights weights)
      : input_(source.input()),
        output_(source.output()),
        channels_(source.input_buffer().shape[0]),
        out_(source.output_buffer().shape),
        shape_(shape),
        cut_(shape, out_),
        image_(input_, source.input_buffer().shape, layer.padding,
               {cut_.strips * shape.rows + shape.taps - 1, cut_.tiles * 4 + shape.taps - 1}),
        weights_(std::move(weights)),
        zeros_(static_cast<std::size_t>(core::int_kernels().columns)),
        writer_(output_, layer.requant, out_[0]) {
    position_ = (cut_.block_samples * cut_.lines() * cut_.tiles * channels_ + 63) / 32 * 32;
    const std::int64_t columns = core::int_kernels().columns, most = cut_.most_tiles();
    const auto reserve = [this](std::int64_t bytes) {
      const std::int64_t at = bytes_;
      bytes_ += line_of(bytes);
      return at;
    };
    at_.padded = reserve(image_.copies() ? 2 * image_.values() : 0);
    at_.half = reserve(shape.both() ? 2 * (6 * image_.row() + 32) : 0);
    at_.inputs = reserve(2 * shape.positions * position_);
    at_.rows = reserve(shape.positions * most * static_cast<std::int64_t>(sizeof(void*)));
    at_.sums = reserve(4 * shape.positions * most * columns);
    at_.outputs = reserve(4 * shape.rows * cut_.tiles * 4 * columns);
  }

  [[nodiscard]] std::int64_t scratch_bytes() const override { return bytes_; }

  void run(const Frame& frame) const override { run_blocks(frame, output_, false); }

  [[nodiscard]] bool pools() const override { return writer_.keeps_order() && out_[1] % 2 == 0 && out_[2] % 2 == 0; }
  void run_pooled(const Frame& frame, const Place& pooled) const override { run_blocks(frame, pooled, true); }

 private:
  template <class T>
  [[nodiscard]] static T* scratch(const Frame& frame, std::int64_t at) {
    return reinterpret_cast<T*>(frame.scratch + at);
  }

  void run_blocks(const Frame& frame, const Place& output, bool pool) const {
    for (std::int64_t i = 0; i < frame.samples; i += cut_.block_samples) {
      for (std::int64_t s = 0; s < cut_.strips; s += cut_.block_strips) {
        run_block(frame,
                  {.sample = i,
                   .samples = std::min(cut_.block_samples, frame.samples - i),
                   .strip = s,
                   .strips = std::min(cut_.block_strips, cut_.strips - s)},
                  output, pool);
      }
    }
  }

  void run_block(const Frame& frame, const Block& block, const Place& output, bool pool) const {
    for (std::int64_t i = 0; i < block.samples; ++i) transform(frame, block, i);
    const std::int64_t count = list_rows(frame, block), columns = core::int_kernels().columns;
    for (std::int64_t first = 0; first < out_[0]; first += columns) {
      multiply(frame, first, count);
      for (std::int64_t i = 0; i < block.samples; ++i) {
        for (std::int64_t s = 0; s < block.strips; ++s) {
          const std::int64_t tile = (i * block.strips + s) * cut_.strip_rows * cut_.tiles;
          gather(frame, tile, count);
          write(frame, {block.sample + i, 1, block.strip + s, 1}, first, output, pool);
        }
      }
    }
  }

  // Inputs of the block's i-th sample: [position][line][tile][channel].
  void transform(const Frame& frame, const Block& block, std::int64_t i) const {
    const auto* x =
        image_.fill(frame.at<std::int16_t>(input_, block.sample + i), scratch<std::int16_t>(frame, at_.padded));
    const std::int64_t row = image_.row(), line = cut_.tiles * channels_, lines = block.strips * cut_.strip_rows;
    std::int16_t* y = scratch<std::int16_t>(frame, at_.inputs) + i * (lines + cut_.border) * line;
    if (!shape_.both()) {
      x += block.strip * shape_.rows * row;
      for (std::int64_t l = 0; l < lines + cut_.border; ++l) along(x + l * row, y + l * line);
      return;
    }
    std::int16_t* half = scratch<std::int16_t>(frame, at_.half);
    for (std::int64_t s = 0; s < block.strips; ++s, y += line) {
      core::int_kernels().filter_inputs[0](
          {.runs = 1, .width = row, .x = x + (block.strip + s) * 4 * row, .x_step = row, .y = half, .y_step = row});
      for (std::int64_t k = 0; k < 6; ++k) along(half + k * row, y + 6 * k * position_);
    }
  }
  // A row of inputs, tile by tile.
  void along(const std::int16_t* x, std::int16_t* y) const {
    core::int_kernels().filter_inputs[static_cast<int>(shape_.filter)]({.runs = cut_.tiles,
                                                                        .width = channels_,
                                                                        .x = x,
                                                                        .x_run = 4 * channels_,
                                                                        .x_step = channels_,
                                                                        .y = y,
                                                                        .y_run = channels_,
                                                                        .y_step = position_});
  }

  // Where the tiles' inputs begin, for each position. Returns how many there are.
  std::int64_t list_rows(const Frame& frame, const Block& block) const {
    const std::int64_t rows = block.strips * cut_.strip_rows, lines = rows + cut_.border;
    const auto* x = scratch<std::int16_t>(frame, at_.inputs);
    const void** list = scratch<const void*>(frame, at_.rows);
    for (std::int64_t p = 0; p < shape_.positions; ++p, x += position_) {
      for (std::int64_t i = 0; i < block.samples; ++i) {
        const std::int16_t* sample = x + i * lines * cut_.tiles * channels_;
        for (std::int64_t t = 0; t < rows * cut_.tiles; ++t) *list++ = sample + t * channels_;
      }
    }
    return block.samples * rows * cut_.tiles;
  }

  // A panel of outputs: sums [position][tile][columns].
  void multiply(const Frame& frame, std::int64_t first, std::int64_t count) const {
    const std::int64_t columns = core::int_kernels().columns;
    for (std::int64_t p = 0; p < shape_.positions; ++p) {
      const bool biased = p == MinimalWeights::kBiased[static_cast<int>(shape_.filter)];
      core::int_kernels().dot_pairs({.m = count,
                                     .n = std::min(columns, out_[0] - first),
                                     .segments = weights_.segments,
                                     .steps = weights_.steps,
                                     .a = scratch<const void*>(frame, at_.rows) + p * count,
                                     .a_segment = cut_.tiles * channels_ * 2,
                                     .panel = weights_.panel(first / columns, p),
                                     .bias = biased ? weights_.bias.data() + first : zeros_.data(),
                                     .c = scratch<std::int32_t>(frame, at_.sums) + p * count * columns});
    }
  }

  // The outputs of the strip that begins with `tile`: [row][column of outputs][columns].
  void gather(const Frame& frame, std::int64_t tile, std::int64_t count) const {
    const std::int64_t columns = core::int_kernels().columns, line = cut_.tiles * 4 * columns;
    for (std::int64_t r = 0; r < cut_.strip_rows; ++r) {
      core::int_kernels().filter_outputs[static_cast<int>(shape_.filter)](
          {.tiles = cut_.tiles,
           .x = scratch<std::int32_t>(frame, at_.sums) + (tile + r * cut_.tiles) * columns,
           .x_line = 6 * count * columns,
           .x_step = count * columns,
           .y = scratch<std::int32_t>(frame, at_.outputs) + r * line,
           .y_tile = 4 * columns,
           .y_line = line,
           .y_step = columns});
    }
  }

  void write(const Frame& frame, const Block& strip, std::int64_t first, const Place& output, bool pool) const {
    const std::int64_t columns = core::int_kernels().columns, line = cut_.tiles * 4 * columns;
    const std::int64_t n = std::min(columns, out_[0] - first), begin = strip.strip * shape_.rows;
    const std::int64_t down = pool ? 2 : 1, width = out_[2] / down;
    std::int32_t* sums = scratch<std::int32_t>(frame, at_.outputs);
    for (std::int64_t r = 0; r < std::min(shape_.rows, out_[1] - begin); r += down, sums += down * line) {
      if (pool) core::int_kernels().pool_sums({.count = width, .x = sums, .x_row = line, .y = sums});
      std::byte* y = frame.bytes_at(output, strip.sample) + (begin + r) / down * width * out_[0] * output.cell();
      writer_.write(width, first, n, sums, columns, y, out_[0]);
    }
  }

  Place input_, output_;
  std::int64_t channels_;
  core::Shape out_;
  FilterShape shape_;
  Cut cut_;
  PaddedImage image_;
  MinimalWeights weights_;
  std::vector<std::int32_t> zeros_;
  Output writer_;
  std::int64_t position_ = 0;  // values from a position's inputs to the next
  struct {
    std::int64_t padded, half, inputs, rows, sums, outputs;
  } at_{};  // in the scratch
  std::int64_t bytes_ = 0;
};

// Vector instructions of both ways, roughly: whether filtering is so much cheaper that its passes over memory pay.
bool pays(const program::Conv2d& layer, const FilterShape& shape, const core::Shape& output, bool bytes) {
  const core::IntKernelTable& kernels = core::int_kernels();
  const Cut cut(shape, output);
  const std::int64_t channels = layer.weight.shape[1], k = shape.taps, columns = kernels.columns;
  const std::int64_t panels = ceil_div(output[0], columns), tiles = cut.tiles * cut.strips * cut.strip_rows;
  const std::int64_t pairs = k * ceil_div(k * channels, 2);
  const std::int64_t direct = 4 * output[1] * output[2] * panels * (bytes ? ceil_div(pairs, kernels.quad_gain) : pairs);
  const std::int64_t filtered =
      tiles * (panels * (4 * shape.positions * (shape.both() ? 1 : k) * ceil_div(channels, 2) + 12 * shape.positions) +
               ceil_div(channels, columns) * 10 * shape.positions);
  return filtered < direct * 4 / 5;
}

}  // namespace

bool minimal_conv_pays(const StepSource& source, const program::Conv2d& layer) {
  const std::optional<FilterShape> shape = filter_shape(layer);
  return shape && pays(layer, *shape, source.output_buffer().shape, takes_quads(source, layer));
}

std::unique_ptr<Step> make_minimal_conv(const StepSource& source, const program::Conv2d& layer) {
  if (!minimal_conv_pays(source, layer)) return nullptr;
  const std::optional<FilterShape> shape = filter_shape(layer);
  std::optional<MinimalWeights> weights =
      minimal_weights(layer, *shape, source.input(), source.input_buffer(), core::int_kernels().columns);
  if (!weights) return nullptr;
  return std::make_unique<MinimalConv>(source, layer, *shape, std::move(*weights));
}

}  // namespace tempera::quant::engine
