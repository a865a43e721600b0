// The weight gradient by the adjoint of F(4×4, 3×3) or F(2×2, 5×5): dg = Gᵀ[Σ (Bᵀ·x·B) ⊙ (A·dy·Aᵀ)]G, one sum over the tiles of all images for
// each of the 36 points instead of one over the pixels for each of the taps. Channels stand beside each other in both
// factors, so that the products need no packing.
#include <algorithm>
#include <array>

#include "tempera/core/kernels/table.hpp"
#include "tempera/core/ops/conv2d_winograd.hpp"
#include "tempera/core/ops/winograd_images.hpp"
#include "tempera/core/parallel.hpp"

namespace tempera::core {
namespace {

constexpr std::int64_t kSide = 6, kPoints = kSide * kSide;  // m + r − 1 of both algorithms
constexpr std::int64_t kMaxBlock = 64;                      // tiles
// Of a block's transforms. Not what the processor's cache has: blocks decide in which order products are summed.
constexpr std::int64_t kBlockBytes = 512 << 10;

class WeightGradient {
 public:
  WeightGradient(const ConvPlan& plan, const ConvGradients& g)
      : plan_(plan),
        w_(plan.windows),
        g_(g),
        taps_(w_.kernel_h),
        outputs_(kSide + 1 - taps_),
        tiles_h_(ceil_div(w_.out_height, outputs_)),
        tiles_w_(ceil_div(w_.out_width, outputs_)),
        in_row_(round_up(w_.channels, kernels().gemm_nr)),
        x_{.x = g.x,
           .mask = nullptr,
           .chosen = nullptr,
           .channels = w_.channels,
           .height = w_.height,
           .width = w_.width,
           .top = w_.padding_h,
           .left = w_.padding_w,
           .stored_h = tiles_h_ * outputs_ + taps_ - 1,
           .stored_w = tiles_w_ * outputs_ + taps_ - 1},
        dy_{.x = g.dy,
            .mask = g.y,
            .chosen = g.chosen,
            .channels = plan.outputs,
            .height = w_.out_height,
            .width = w_.out_width,
            .top = 0,
            .left = 0,
            .stored_h = tiles_h_ * outputs_,
            .stored_w = tiles_w_ * outputs_} {
    // A part of the outputs at a time: whole vectors and, where that goes, whole rows of tiles of the product.
    group_ = std::min(round_up(plan.outputs, kernels().gemm_nr), 3 * kernels().gemm_nr / 2);
    const std::int64_t bytes = kPoints * static_cast<std::int64_t>(sizeof(Scalar)) * (in_row_ + group_);
    block_ = std::clamp<std::int64_t>(kBlockBytes / bytes, 8, kMaxBlock);
    part_images_ = std::max(ceil_div(plan.images, weight_gradient_parts(elements())), ceil_div(2 * block_, tiles()));
    parts_ = ceil_div(plan.images, part_images_);
  }

  void run() const {
    const Storage all = scalars(parts_ * elements());
    const Storage bias = g_.dbias == nullptr ? Storage() : scalars(parts_ * plan_.outputs);
    parallel_for(parts_, 1, [&](std::int64_t part, std::int64_t) {
      Scalar* own = g_.dbias == nullptr ? nullptr : data_of(bias) + part * plan_.outputs;
      sum_part(part * part_images_, data_of(all) + part * elements(), own);
    });
    parallel_for(plan_.outputs, std::max<std::int64_t>(1, 4096 / (kPoints * in_row_ * parts_)),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t o = begin; o < end; ++o) filters_of(o, data_of(all));
                 });
    if (g_.dbias != nullptr) add_parts(data_of(bias), g_.dbias);
  }

 private:
  [[nodiscard]] std::int64_t tiles() const noexcept { return tiles_h_ * tiles_w_; }
  [[nodiscard]] std::int64_t elements() const noexcept { return kPoints * plan_.outputs * in_row_; }
  [[nodiscard]] std::int64_t x_step() const noexcept { return block_ * in_row_ + kernels().gemm_nr; }
  [[nodiscard]] std::int64_t dy_step() const noexcept { return block_ * group_ + kernels().gemm_nr; }

  // The part's sums by point, [point][out][in].
  void sum_part(std::int64_t first_image, Scalar* sums, Scalar* bias) const {
    const std::int64_t last = std::min(first_image + part_images_, plan_.images);
    const Storage v = scalars(kPoints * x_step()), u = scalars(kPoints * dy_step());
    const std::int64_t kept = block_ / tiles() + 2;
    WinogradWindow x(x_, kept, last, 0), dy(dy_, kept, last, 0);
    if (bias != nullptr) std::fill_n(bias, plan_.outputs, Scalar{0});
    std::int64_t summed = first_image;  // the images before it are in the bias
    for (std::int64_t tile = first_image * tiles(), end = last * tiles(); tile < end; tile += block_) {
      const std::int64_t count = std::min(block_, end - tile);
      const Squares squares = squares_of(tile, count, x, dy);
      if (bias != nullptr) {
        for (; summed < (tile + count) / tiles(); ++summed) add_bias(dy.image(summed), bias);
      }
      transform(squares, count, 0, w_.channels, x_, squares.x, data_of(v), x_step(), in_row_, kernels().winograd_data);
      for (std::int64_t o = 0; o < plan_.outputs; o += group_) {
        const std::int64_t outputs = std::min(group_, plan_.outputs - o);
        transform(squares, count, o, outputs, dy_, squares.dy, data_of(u), dy_step(), group_,
                  kernels().winograd_gradient);
        for (std::int64_t p = 0; p < kPoints; ++p) {
          multiply(count, outputs, data_of(u) + p * dy_step(), data_of(v) + p * x_step(), tile != first_image * tiles(),
                   sums + (p * plan_.outputs + o) * in_row_);
        }
      }
    }
  }

  // Offsets of the block's tiles from a common pixel of the first channel.
  struct Squares {
    const Scalar *x_base, *dy_base;
    std::array<std::int64_t, kMaxBlock> x, dy;
  };

  Squares squares_of(std::int64_t first, std::int64_t count, WinogradWindow& x, WinogradWindow& dy) const {
    Squares s{};
    s.x_base = x.image(first / tiles());
    s.dy_base = dy.image(first / tiles());
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t image = (first + i) / tiles(), at = (first + i) % tiles();
      const std::int64_t row = at / tiles_w_ * outputs_, column = at % tiles_w_ * outputs_;
      const auto to = static_cast<std::size_t>(i);
      s.x[to] = x.from_row(image, row) - s.x_base + row * x_.stored_w + column;
      s.dy[to] = dy.from_row(image, row) - s.dy_base + row * dy_.stored_w + column;
    }
    return s;
  }

  template <class Kernel>
  void transform(const Squares& s, std::int64_t count, std::int64_t channel, std::int64_t channels,
                 const WinogradImages& images, const std::array<std::int64_t, kMaxBlock>& offsets, Scalar* to,
                 std::int64_t point_step, std::int64_t item_step, Kernel kernel) const {
    std::vector<const Scalar*> from;
    from.reserve(static_cast<std::size_t>(channels));
    const Scalar* base = &images == &x_ ? s.x_base : s.dy_base;
    for (std::int64_t c = channel; c < channel + channels; ++c) from.push_back(base + c * images.plane());
    kernel({.outputs = outputs_,
            .taps = taps_,
            .lanes = channels,
            .items = count,
            .from = from.data(),
            .offsets = offsets.data(),
            .row = images.stored_w,
            .to = to,
            .point_step = point_step,
            .item_step = item_step});
  }

  // sums [outputs, in] (+)= dyᵀ [tiles, outputs] · x [tiles, in] of one point.
  void multiply(std::int64_t count, std::int64_t outputs, const Scalar* dy, const Scalar* x, bool accumulate,
                Scalar* sums) const noexcept {
    const std::int64_t width = kernels().gemm_nr;
    for (std::int64_t j = 0; j < w_.channels; j += width) {
      kernels().winograd_multiply({.m = outputs,
                                   .n = std::min(width, w_.channels - j),
                                   .k = count,
                                   .a = dy,
                                   .a_row = 1,
                                   .a_column = group_,
                                   .b = x + j,
                                   .b_row = in_row_,
                                   .c = sums + j,
                                   .c_row = in_row_,
                                   .accumulate = accumulate});
    }
  }

  void add_bias(const Scalar* dy, Scalar* bias) const noexcept {
    for (std::int64_t o = 0; o < plan_.outputs; ++o) bias[o] += kernels().sum(dy_.plane(), dy + o * dy_.plane());
  }

  void add_parts(const Scalar* bias, Scalar* to) const noexcept {
    std::copy_n(bias, plan_.outputs, to);
    for (std::int64_t p = 1; p < parts_; ++p) kernels().add(plan_.outputs, to, bias + p * plan_.outputs, to);
  }

  // Gᵀ·sums·G of the filters of one output, after adding up the parts in order.
  void filters_of(std::int64_t o, Scalar* all) const {
    for (std::int64_t p = 0; p < kPoints; ++p) {
      Scalar* first = all + (p * plan_.outputs + o) * in_row_;
      for (std::int64_t part = 1; part < parts_; ++part) {
        kernels().add(w_.channels, first, first + part * elements(), first);
      }
    }
    std::vector<Scalar*> to;
    to.reserve(static_cast<std::size_t>(w_.channels));
    for (std::int64_t c = 0; c < w_.channels; ++c) to.push_back(g_.dw + (o * w_.channels + c) * taps_ * taps_);
    const std::int64_t here = 0;
    kernels().winograd_filter_gradient({.outputs = outputs_,
                                        .taps = taps_,
                                        .lanes = w_.channels,
                                        .items = 1,
                                        .from = all + o * in_row_,
                                        .point_step = plan_.outputs * in_row_,
                                        .item_step = 0,
                                        .to = to.data(),
                                        .offsets = &here});
  }

  const ConvPlan& plan_;
  const Windows& w_;
  const ConvGradients& g_;
  std::int64_t taps_, outputs_, tiles_h_, tiles_w_, in_row_;
  WinogradImages x_, dy_;
  std::int64_t group_ = 0, block_ = 0, part_images_ = 0, parts_ = 0;
};

}  // namespace

void winograd_by_weight(const ConvPlan& plan, const ConvGradients& g) { WeightGradient(plan, g).run(); }

}  // namespace tempera::core
