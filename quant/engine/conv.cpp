// Convolutions as products of windows and weights, where minimal_conv.cpp has no better way. A window of an image [h, w, c]
// is kh runs of kw·c neighbours, which the kernels read in place; only windows of groups or with gaps (dilation) are copied
// out, some at a time, and for kernels that take many steps at once (AMX) those that are not better read as lines.
#include <algorithm>
#include <array>

#include "tempera/core/integers.hpp"
#include "tempera/quant/engine/conv_rows.hpp"
#include "tempera/quant/engine/product.hpp"
#include "tempera/quant/engine/window.hpp"

namespace tempera::quant::engine {
namespace {

// What belongs to the channels of a group.
std::vector<std::int32_t> part(const std::vector<std::int32_t>& list, std::int64_t group, std::int64_t groups) {
  const auto size = static_cast<std::ptrdiff_t>(list.size()) / groups;
  return {list.begin() + group * size, list.begin() + (group + 1) * size};
}
std::optional<Requant> part(std::optional<Requant> requant, std::int64_t group, std::int64_t groups,
                            std::int64_t channels) {
  if (requant && requant->thresholds) {
    requant->thresholds = part_of(*requant->thresholds, requant->steps(), group * channels / groups, channels / groups);
    return requant;
  }
  if (!requant || requant->multipliers.size() == 1) return requant;
  const auto size = static_cast<std::ptrdiff_t>(requant->multipliers.size()) / groups;
  const auto begin = requant->multipliers.begin() + group * size;
  requant->multipliers = std::vector<Multiplier>(begin, begin + size);
  return requant;
}

class Conv final : public Step {
 public:
  Conv(const StepSource& source, const program::Conv2d& layer)
      : input_(source.input()),
        output_(source.output()),
        out_shape_(source.output_buffer().shape),
        kernel_{layer.weight.shape[2], layer.weight.shape[3]},
        stride_(layer.stride),
        dilation_(layer.dilation),
        channels_(source.input_buffer().shape[0]),
        image_(source.input(), source.input_buffer().shape, layer.padding),
        has_runs_(has_runs(layer)),
        quads_(takes_quads(source, layer)),
        lines_(takes_lines(source, layer)),
        in_place_(has_runs_ && (lines_ || !(quads_ && core::int_kernels().quad_depth > 1))),
        line_(lines_ ? image_.row() / channels_ : out_shape_[2]) {
    for (std::int64_t g = 0; g < layer.groups; ++g) {
      products_.push_back(
          std::make_unique<Product>(source, rows_of(layer, g, in_place_), part(layer.bias, g, layer.groups),
                                    part(layer.requant, g, layer.groups, layer.weight.shape[0]), false, quads_));
    }
    const std::int64_t window = kernel_[0] * kernel_[1] * channels_ / layer.groups * (quads_ ? 1 : 2);
    window_bytes_ = in_place_ ? 0 : core::round_up(window, 64);
  }

  [[nodiscard]] std::int64_t scratch_bytes() const override {
    return padded_bytes() + byte_image_bytes() + Product::block() * window_bytes_ + 64;
  }

  void run(const Frame& frame) const override {
    for (std::int64_t i = 0; i < frame.samples; ++i) run_sample(frame, i, output_, false);
  }

  [[nodiscard]] bool pools() const override { return products_[0]->keeps_order() && pools_by_pairs(out_shape_); }
  void run_pooled(const Frame& frame, const Place& pooled) const override {
    for (std::int64_t i = 0; i < frame.samples; ++i) run_sample(frame, i, pooled, true);
  }

 private:
  [[nodiscard]] std::int64_t padded_bytes() const {
    return image_.copies() ? core::round_up(image_.values() * input_.cell(), 64) : 0;
  }
  [[nodiscard]] std::int64_t byte_image_bytes() const {
    return quads_ && !input_.bytes ? core::round_up(image_.values(), 64) : 0;
  }

  // The sample with its border, as the products take it.
  [[nodiscard]] const char* image_of(const Frame& frame, std::int64_t sample) const {
    if (input_.bytes) {
      return reinterpret_cast<const char*>(
          image_.fill(frame.at<std::uint8_t>(input_, sample), reinterpret_cast<std::uint8_t*>(frame.scratch)));
    }
    const auto* x = image_.fill(frame.at<std::int16_t>(input_, sample), reinterpret_cast<std::int16_t*>(frame.scratch));
    if (!quads_) return reinterpret_cast<const char*>(x);
    auto* narrow = reinterpret_cast<std::uint8_t*>(frame.scratch + padded_bytes());
    core::int_kernels().narrow_u8(image_.values() - 32, x, products_[0]->byte_shift(), narrow);
    return reinterpret_cast<const char*>(narrow);
  }

  void run_sample(const Frame& frame, std::int64_t sample, const Place& output, bool pool) const {
    const char* image = image_of(frame, sample);
    std::byte* y = frame.bytes_at(output, sample);
    const std::int64_t width = out_shape_[2], all = out_shape_[1] * line_, cell = output.cell();
    std::int64_t block = Product::block();
    if (pool || lines_) block = ((block - width) / line_ + 1) / (pool ? 2 : 1) * (pool ? 2 : 1) * line_;
    for (std::int64_t first = 0; first < all; first += block) {
      const std::int64_t rows = std::min(block, all - first), written = lines_ ? rows / line_ * width : rows;
      ProductRows product{.m = rows - (line_ - width), .y = y, .y_row = out_shape_[0], .pool = pool};
      if (pool || lines_) {
        product.width = width;
        product.line = line_;
      }
      run_block(frame, image, first, product, cell);
      y += written / (pool ? 4 : 1) * out_shape_[0] * cell;
    }
  }

  void run_block(const Frame& frame, const char* image, std::int64_t first, ProductRows product,
                 std::int64_t cell) const {
    const std::int64_t value = quads_ ? 1 : 2, row = image_.row() * value;
    std::array<const void*, Product::kBlock> rows;  // NOLINT: written as far as they are read
    const std::int64_t step = stride_[1] * channels_ * value;
    for (std::int64_t i = 0, n = 0; i < product.m; i += n) {
      const std::int64_t oy = (first + i) / line_, ox = (first + i) % line_;
      const char* corner = image + oy * stride_[0] * row + ox * step;
      n = std::min(line_ - ox, product.m - i);
      for (std::int64_t k = 0; k < n; ++k) rows[static_cast<std::size_t>(i + k)] = corner + k * step;
    }
    const std::int64_t groups = static_cast<std::int64_t>(products_.size()), out = out_shape_[0] / groups;
    product.a_segment = dilation_[0] * row;
    auto* y = static_cast<std::byte*>(product.y);
    for (std::int64_t g = 0; g < groups; ++g) {
      std::array<const void*, Product::kBlock> copies;  // NOLINT: likewise
      if (!in_place_) copy_windows(frame, rows.data(), product.m, g, value, copies.data());
      product.a = in_place_ ? rows.data() : copies.data();
      product.y = y + g * out * cell;
      products_[static_cast<std::size_t>(g)]->run(product);
    }
  }

  void copy_windows(const Frame& frame, const void* const* rows, std::int64_t m, std::int64_t group, std::int64_t value,
                    const void** copies) const {
    std::byte* scratch = frame.scratch + padded_bytes() + byte_image_bytes();
    const std::int64_t across = has_runs_ ? 1 : kernel_[1];
    const std::int64_t part = channels_ / static_cast<std::int64_t>(products_.size()) * value;
    for (std::int64_t i = 0; i < m; ++i) copies[i] = scratch + i * window_bytes_;
    core::int_kernels().copy_windows({.m = m,
                                      .a = rows,
                                      .first = group * part,
                                      .rows = kernel_[0],
                                      .row_step = dilation_[0] * image_.row() * value,
                                      .columns = across,
                                      .column_step = dilation_[1] * channels_ * value,
                                      .bytes = part * kernel_[1] / across,
                                      .to = scratch,
                                      .to_row = window_bytes_});
  }

  Place input_, output_;
  core::Shape out_shape_;
  std::array<std::int64_t, 2> kernel_, stride_, dilation_;
  std::int64_t channels_;
  PaddedImage image_;
  bool has_runs_, quads_, lines_, in_place_;
  std::int64_t line_;  // windows from an image row to the next
  // One a group.
  std::vector<std::unique_ptr<Product>> products_;
  std::int64_t window_bytes_ = 0;
};

}  // namespace

std::unique_ptr<Step> make_conv(const StepSource& source, const program::Conv2d& layer) {
  if (is_depthwise(layer)) return make_depthwise(source, layer);
  if (auto step = make_minimal_conv(source, layer)) return step;
  return std::make_unique<Conv>(source, layer);
}

}  // namespace tempera::quant::engine
