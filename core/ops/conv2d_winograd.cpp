// Forward convolution, and the input gradient as the convolution that it is, by F(m×m, r×r). Tiles of all images form one
// row; a block of as many as the tile of a product is wide is transformed, multiplied by the filters point by point, and
// transformed back while all of it is in the second cache.
#include "tempera/core/ops/conv2d_winograd.hpp"

#include <algorithm>
#include <array>

#include "tempera/core/cached_allocator.hpp"
#include "tempera/core/kernels/caches.hpp"
#include "tempera/core/kernels/levels.hpp"
#include "tempera/core/kernels/table.hpp"
#include "tempera/core/ops/winograd_images.hpp"
#include "tempera/core/parallel.hpp"

namespace tempera::core {
namespace {

constexpr std::int64_t kChunks = 16;    // of a large batch: enough for threads that are disturbed
constexpr std::int64_t kMaxStrips = 4;  // of tiles in a block
constexpr std::int64_t kMaxTiles = detail::kMostColumns * kMaxStrips;
constexpr std::int64_t kMaxDepth = 512;  // channels that are summed before they are added to the sums by point

class Convolution {
 public:
  explicit Convolution(const WinogradConvolution& c)
      : c_(c),
        points_((c.outputs + c.taps - 1) * (c.outputs + c.taps - 1)),
        tiles_h_(ceil_div(c.out_height, c.outputs)),
        tiles_w_(ceil_div(c.out_width, c.outputs)),
        strip_(kernels().gemm_nr),
        images_{.x = c.x,
                .mask = c.mask,
                .chosen = c.chosen,
                .channels = c.in,
                .height = c.height,
                .width = c.width,
                .top = c.padding_h,
                .left = c.padding_w,
                .stored_h = tiles_h_ * c.outputs + c.taps - 1,
                .stored_w = tiles_w_ * c.outputs + c.taps - 1} {
    filter_row_ = round_up(c.in, strip_);
    filter_step_ = c.out * filter_row_ + strip_;  // never a whole page apart
    if (c.filters != nullptr) filters_ = *c.filters;
    if (filters_.data() == nullptr) transform_filters();
    if (c.filters != nullptr) *c.filters = filters_;
    // Filters are read once a block: large ones are worth a wider one.
    const std::int64_t filters = points_ * filter_step_ * static_cast<std::int64_t>(sizeof(Scalar));
    const std::int64_t strips = 2 * filters / second_level_cache_bytes();
    block_ = strip_ * std::clamp<std::int64_t>(strips, 1, kMaxStrips);
    in_planes_.reserve(static_cast<std::size_t>(c.in));
    out_planes_.reserve(static_cast<std::size_t>(c.out));
    for (std::int64_t i = 0; i < c.in; ++i) in_planes_.push_back(i * images_.plane());
    for (std::int64_t o = 0; o < c.out; ++o) out_planes_.push_back(o * c.out_height * c.out_width);
  }

  void run() const {
    const std::int64_t blocks = ceil_div(c_.images * tiles(), block_);
    parallel_for(blocks, ceil_div(blocks, kChunks), [&](std::int64_t begin, std::int64_t end) {
      const Storage v = scalars(points_ * data_step()), m = scalars(points_ * sums_step());
      const std::int64_t last = std::min(end * block_, c_.images * tiles()) - 1;
      WinogradWindow window(images_, block_ / tiles() + 2, last / tiles(),
                            last % tiles() / tiles_w_ * c_.outputs + c_.outputs + c_.taps - 1);
      for (; begin < end; ++begin) block(begin * block_, window, data_of(v), data_of(m));
    });
  }

 private:
  [[nodiscard]] std::int64_t tiles() const noexcept { return tiles_h_ * tiles_w_; }
  [[nodiscard]] std::int64_t data_step() const noexcept { return c_.in * block_ + strip_; }
  [[nodiscard]] std::int64_t sums_step() const noexcept { return c_.out * block_ + strip_; }

  void transform_filters() {
    filters_ = scalars(points_ * filter_step_);
    CachedVector<const Scalar*> from;
    CachedVector<std::int64_t> offsets;
    from.reserve(static_cast<std::size_t>(c_.in));
    offsets.reserve(static_cast<std::size_t>(c_.out));
    for (std::int64_t i = 0; i < c_.in; ++i) from.push_back(c_.w + i * c_.w_in);
    for (std::int64_t o = 0; o < c_.out; ++o) offsets.push_back(o * c_.w_out);
    const std::int64_t grain = std::max<std::int64_t>(1, 4096 / c_.in);
    parallel_for(c_.out, grain, [&](std::int64_t begin, std::int64_t end) {
      kernels().winograd_filter({.outputs = c_.outputs,
                                 .taps = c_.taps,
                                 .lanes = c_.in,
                                 .items = end - begin,
                                 .from = from.data(),
                                 .offsets = offsets.data() + begin,
                                 .row = c_.taps,
                                 .flipped = c_.flipped,
                                 .to = data_of(filters_) + begin * filter_row_,
                                 .point_step = filter_step_,
                                 .item_step = filter_row_});
    });
  }

  // Where a block's tiles stand, and how much of them there is.
  struct Tiles {
    std::int64_t count = 0;
    // NOLINTBEGIN(cppcoreguidelines-pro-type-member-init): written as far as they are read
    std::array<const Scalar*, kMaxTiles> from;
    std::array<Scalar*, kMaxTiles> to;
    std::array<std::int64_t, kMaxTiles> heights, widths;
    // NOLINTEND(cppcoreguidelines-pro-type-member-init)
  };

  void find_tiles(std::int64_t first, WinogradWindow& window, Tiles& t) const {
    t.count = std::min(block_, c_.images * tiles() - first);
    for (std::int64_t i = 0; i < t.count; ++i) {
      const std::int64_t image = (first + i) / tiles(), at = (first + i) % tiles();
      const std::int64_t y = at / tiles_w_ * c_.outputs, x = at % tiles_w_ * c_.outputs;
      const auto to = static_cast<std::size_t>(i);
      t.from[to] = window.from_row(image, y) + y * images_.stored_w + x;
      t.to[to] = c_.y + image * c_.out * c_.out_height * c_.out_width + y * c_.out_width + x;
      t.heights[to] = std::min(c_.outputs, c_.out_height - y);
      t.widths[to] = std::min(c_.outputs, c_.out_width - x);
    }
  }

  void block(std::int64_t first, WinogradWindow& window, Scalar* v, Scalar* m) const {
    Tiles t;
    find_tiles(first, window, t);
    const std::int64_t count = t.count;
    kernels().winograd_data({.outputs = c_.outputs,
                             .taps = c_.taps,
                             .lanes = count,
                             .items = c_.in,
                             .from = t.from.data(),
                             .offsets = in_planes_.data(),
                             .row = images_.stored_w,
                             .to = v,
                             .point_step = data_step(),
                             .item_step = block_});
    for (std::int64_t p = 0; p < points_; ++p) {
      multiply(count, data_of(filters_) + p * filter_step_, v + p * data_step(), m + p * sums_step());
    }
    kernels().winograd_output({.outputs = c_.outputs,
                               .taps = c_.taps,
                               .lanes = count,
                               .items = c_.out,
                               .from = m,
                               .point_step = sums_step(),
                               .item_step = block_,
                               .to = t.to.data(),
                               .offsets = out_planes_.data(),
                               .heights = t.heights.data(),
                               .widths = t.widths.data(),
                               .row = c_.out_width,
                               .bias = c_.bias,
                               .relu = c_.relu});
  }

  // sums [out, tiles] = filters [out, in] · data [in, tiles] of one point.
  void multiply(std::int64_t count, const Scalar* filters, const Scalar* data, Scalar* sums) const noexcept {
    for (std::int64_t depth = 0; depth < c_.in; depth += kMaxDepth) {
      for (std::int64_t j = 0; j < count; j += strip_) {
        kernels().winograd_multiply({.m = c_.out,
                                     .n = std::min(strip_, count - j),
                                     .k = std::min(kMaxDepth, c_.in - depth),
                                     .a = filters + depth,
                                     .a_row = filter_row_,
                                     .a_column = 1,
                                     .b = data + depth * block_ + j,
                                     .b_row = block_,
                                     .c = sums + j,
                                     .c_row = block_,
                                     .accumulate = depth > 0});
      }
    }
  }

  const WinogradConvolution& c_;
  std::int64_t points_, tiles_h_, tiles_w_, strip_;
  WinogradImages images_;
  std::int64_t block_ = 0, filter_row_ = 0, filter_step_ = 0;
  Storage filters_;  // [point][out][in]
  CachedVector<std::int64_t> in_planes_, out_planes_;
};

}  // namespace

void winograd_convolve(const WinogradConvolution& c) {
  if (c.images > 0) Convolution(c).run();
}

Tensor winograd_forward(const ConvPlan& plan, std::int64_t m, const Tensor& x, const Tensor& weight, Storage* filters,
                        const Scalar* bias, bool relu, const Shape& result) {
  Tensor y(result);
  const Windows& w = plan.windows;
  winograd_convolve({.outputs = m,
                     .taps = w.kernel_h,
                     .images = plan.images,
                     .in = w.channels,
                     .out = plan.outputs,
                     .height = w.height,
                     .width = w.width,
                     .padding_h = w.padding_h,
                     .padding_w = w.padding_w,
                     .out_height = w.out_height,
                     .out_width = w.out_width,
                     .x = x.data(),
                     .w = weight.data(),
                     .w_out = w.rows(),
                     .w_in = w.kernel_h * w.kernel_w,
                     .filters = filters,
                     .bias = bias,
                     .relu = relu,
                     .y = y.mutable_data()});
  return y;
}

void winograd_by_input(const ConvPlan& plan, std::int64_t m, const ConvGradients& g) {
  const Windows& w = plan.windows;
  winograd_convolve({.outputs = m,
                     .taps = w.kernel_h,
                     .images = plan.images,
                     .in = plan.outputs,
                     .out = w.channels,
                     .height = w.out_height,
                     .width = w.out_width,
                     .padding_h = w.kernel_h - 1 - w.padding_h,
                     .padding_w = w.kernel_w - 1 - w.padding_w,
                     .out_height = w.height,
                     .out_width = w.width,
                     .x = g.dy,
                     .mask = g.y,
                     .chosen = g.chosen,
                     .w = g.w,
                     .w_out = w.kernel_h * w.kernel_w,
                     .w_in = w.rows(),
                     .flipped = true,
                     .y = g.dx});
}

}  // namespace tempera::core
