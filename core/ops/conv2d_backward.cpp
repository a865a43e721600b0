// Gradients of convolution, image by image while its output gradient is in the cache. The weight gradient reads the
// windows from the image in place; the input gradient is made as a matrix of windows and then summed by pixel.
#include <algorithm>

#include "tempera/core/gemm.hpp"
#include "tempera/core/kernels/table.hpp"
#include "tempera/core/ops/conv2d_plan.hpp"
#include "tempera/core/ops/window_offsets.hpp"
#include "tempera/core/parallel.hpp"

namespace tempera::core {
namespace {

constexpr std::int64_t kDepth = 256;  // products that are summed before they are added to a partial gradient

// The images of a batch in parts whose weight gradients are summed separately, and those added in order.
struct Parts {
  std::int64_t images, count, elements;

  explicit Parts(const ConvPlan& plan) : elements(plan.windows.rows() * plan.outputs * plan.groups) {
    images = std::max(
        {items_per_chunk(plan) / plan.groups, ceil_div(plan.images, weight_gradient_parts(elements)), std::int64_t{1}});
    count = ceil_div(plan.images, images);
  }
};

// to[i, j] = from[j, i], m × n of each group.
void transpose(std::int64_t groups, std::int64_t m, std::int64_t n, const Scalar* from, Scalar* to) noexcept {
  for (std::int64_t g = 0; g < groups; ++g, from += m * n) {
    for (std::int64_t i = 0; i < m; ++i) {
      for (std::int64_t j = 0; j < n; ++j) *to++ = from[j * m + i];
    }
  }
}

class Backward {
 public:
  Backward(const ConvPlan& plan, const ConvGradients& g) : plan_(plan), w_(plan.windows), offsets_(w_), g_(g) {
    steps_.reserve(static_cast<std::size_t>(images_per_step() * w_.columns()));
    for (std::int64_t image = 0; image < images_per_step(); ++image) {
      const std::int64_t from = image * (offsets_.is_copied() ? offsets_.pixels() : plan_.groups * w_.pixels());
      for (const std::int64_t column : offsets_.columns()) steps_.push_back(from + column);
    }
    if (g.dx == nullptr) return;
    weights_.resize(static_cast<std::size_t>(plan_.groups * plan_.outputs * w_.rows()));
    transpose(plan_.groups, w_.rows(), plan_.outputs, g.w, weights_.data());
  }

  // One group of the images [first, last): sums [rows, out] is dWᵀ, bias_sums [out].
  void part(std::int64_t group, std::int64_t first, std::int64_t last, Scalar* sums, Scalar* bias_sums) const {
    const std::int64_t per_step = images_per_step(), area = plan_.outputs * w_.columns();
    const Storage masked = g_.y == nullptr && g_.chosen == nullptr ? Storage() : scalars(area);
    const Storage columns = g_.dx == nullptr || w_.is_identity() ? Storage() : scalars(w_.rows() * w_.columns());
    const Storage panels = sums == nullptr ? Storage() : scalars(strips() * strip_size());
    if (bias_sums != nullptr) std::fill_n(bias_sums, plan_.outputs, Scalar{0});
    for (std::int64_t begin = first; begin < last; begin += per_step) {
      const std::int64_t end = std::min(begin + per_step, last);
      for (std::int64_t image = begin; image < end; ++image) {
        const std::int64_t item = image * plan_.groups + group;
        const Scalar* dy = output_gradient(item, data_of(masked));
        if (bias_sums != nullptr) add_bias(dy, bias_sums);
        if (g_.dx != nullptr) by_input(dy, group, g_.dx + item * w_.pixels(), data_of(columns));
        if (sums != nullptr) pack(dy, image - begin, data_of(panels));
      }
      if (sums == nullptr) continue;
      by_weight(begin * plan_.groups + group, end - begin, data_of(panels), begin != first, sums);
    }
  }

 private:
  [[nodiscard]] std::int64_t images_per_step() const { return ceil_div(kDepth, w_.columns()); }
  [[nodiscard]] std::int64_t strips() const { return ceil_div(plan_.outputs, kernels().gemm_nr); }
  [[nodiscard]] std::int64_t strip_size() const { return images_per_step() * w_.columns() * kernels().gemm_nr; }

  // The gradient by the convolution of one group of an image before its rectifier and its pooling.
  const Scalar* output_gradient(std::int64_t item, Scalar* masked) const {
    const std::int64_t area = plan_.outputs * w_.columns();
    if (g_.chosen != nullptr) {
      const PairPlane plane{w_.out_height, w_.out_width};
      const std::int64_t from = item * plan_.outputs * plane.windows();
      spread_planes(plane, plan_.outputs, g_.dy + from, g_.chosen + from, masked);
      return masked;
    }
    if (g_.y == nullptr) return g_.dy + item * area;
    kernels().relu_grad(area, g_.dy + item * area, g_.y + item * area, masked);
    return masked;
  }

  void add_bias(const Scalar* dy, Scalar* bias_sums) const {
    for (std::int64_t o = 0; o < plan_.outputs; ++o) bias_sums[o] += kernels().sum(w_.columns(), dy + o * w_.columns());
  }

  void by_input(const Scalar* dy, std::int64_t group, Scalar* dx, Scalar* columns) const {
    gemm({.m = w_.rows(),
          .n = w_.columns(),
          .k = plan_.outputs,
          .a = weights_.data() + group * plan_.outputs * w_.rows(),
          .lda = plan_.outputs,
          .b = dy,
          .ldb = w_.columns(),
          .c = columns == nullptr ? dx : columns,
          .ldc = w_.columns()});
    if (columns != nullptr) fold(w_, columns, dx);
  }

  // dyᵀ of one of a step's images, in strips of output channels.
  void pack(const Scalar* dy, std::int64_t image, Scalar* panels) const {
    const std::int64_t width = kernels().gemm_nr;
    for (std::int64_t s = 0; s < strips(); ++s) {
      kernels().gemm_pack_b(std::min(width, plan_.outputs - s * width), w_.columns(), dy + s * width * w_.columns(), 1,
                            w_.columns(), panels + s * strip_size() + image * w_.columns() * width);
    }
  }

  void by_weight(std::int64_t item, std::int64_t images, const Scalar* panels, bool accumulate, Scalar* sums) const {
    const Scalar* x = g_.x + item * w_.pixels();
    const Storage copy = offsets_.is_copied() ? scalars(images * offsets_.pixels()) : Storage();
    if (Scalar* copied = data_of(copy)) {
      for (std::int64_t i = 0; i < images; ++i) {
        offsets_.copy(x + i * plan_.groups * w_.pixels(), copied + i * offsets_.pixels());
      }
      x = copied;
    }
    const std::int64_t width = kernels().gemm_nr, tiles = ceil_div(w_.rows(), kernels().gemm_mr);
    const std::int64_t height = ceil_div(w_.rows(), tiles);
    parallel_for(tiles, ceil_div(tiles * kChunkFlops, std::max<std::int64_t>(1, images * plan_.flops())),
                 [&](std::int64_t tile, std::int64_t end) {
                   // A panel stays in the first cache while all rows meet it.
                   for (std::int64_t s = 0; s < strips(); ++s) {
                     for (std::int64_t t = tile; t < end && t * height < w_.rows(); ++t) {
                       const std::int64_t row = t * height;
                       kernels().conv_gather({.m = std::min(height, w_.rows() - row),
                                              .n = std::min(width, plan_.outputs - s * width),
                                              .k = images * w_.columns(),
                                              .a = x,
                                              .rows = offsets_.rows().data() + row,
                                              .steps = steps_.data(),
                                              .b = panels + s * strip_size(),
                                              .c = sums + row * plan_.outputs + s * width,
                                              .c_row = plan_.outputs,
                                              .accumulate = accumulate});
                     }
                   }
                 });
  }

  const ConvPlan& plan_;
  const Windows& w_;
  WindowOffsets offsets_;
  const ConvGradients& g_;
  std::vector<Scalar> weights_;      // [rows, out] of each group, or the product of every image would have to pack them
  std::vector<std::int64_t> steps_;  // where the windows of a step's images begin
};

// parts[0] += parts[1] + … in order, each of `elements`.
void add_parts(Scalar* parts, std::int64_t count, std::int64_t elements) {
  constexpr std::int64_t kGrain = 4096;
  parallel_for(elements, kGrain, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = 1; p < count; ++p) {
      kernels().add(end - begin, parts + begin, parts + p * elements + begin, parts + begin);
    }
  });
}

}  // namespace

void conv_backward(const ConvPlan& plan, const ConvGradients& g) {
  const Parts parts(plan);
  const std::int64_t channels = plan.groups * plan.outputs;
  if (plan.images == 0) {
    if (g.dw != nullptr) std::fill_n(g.dw, parts.elements, Scalar{0});
    if (g.dbias != nullptr) std::fill_n(g.dbias, channels, Scalar{0});
    return;
  }
  const Storage sums = g.dw == nullptr ? Storage() : scalars(parts.count * parts.elements);
  const Storage bias = g.dbias == nullptr ? Storage() : scalars(parts.count * channels);
  const Backward backward(plan, g);
  parallel_for(parts.count * plan.groups, 1, [&](std::int64_t job, std::int64_t) {
    const std::int64_t part = job / plan.groups, group = job % plan.groups;
    const std::int64_t first = part * parts.images, last = std::min(first + parts.images, plan.images);
    const auto own = [&](const Storage& all, std::int64_t block) {
      return all.data() == nullptr ? nullptr : data_of(all) + (part * plan.groups + group) * block;
    };
    backward.part(group, first, last, own(sums, parts.elements / plan.groups), own(bias, plan.outputs));
  });
  if (g.dw != nullptr) {
    add_parts(data_of(sums), parts.count, parts.elements);
    transpose(plan.groups, plan.outputs, plan.windows.rows(), data_of(sums), g.dw);
  }
  if (g.dbias != nullptr) {
    add_parts(data_of(bias), parts.count, channels);
    std::copy_n(data_of(bias), channels, g.dbias);
  }
}

}  // namespace tempera::core
