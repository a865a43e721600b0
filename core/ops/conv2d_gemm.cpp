#include <algorithm>

#include "tempera/core/gemm.hpp"
#include "tempera/core/kernels/table.hpp"
#include "tempera/core/ops/conv2d_plan.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/storage.hpp"

namespace tempera::core {
namespace {

constexpr std::int64_t kChunkFlops = 1 << 21;    // about 20 µs of work: small against the cost of starting threads
constexpr std::int64_t kMaxParts = 16;           // partial weight gradients, and so threads, of one convolution
constexpr std::int64_t kPartElements = 1 << 22;  // of all of them together: large weights need no more memory than that

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

std::int64_t items_per_chunk(const ConvPlan& plan) {
  return std::max<std::int64_t>(1, kChunkFlops / std::max<std::int64_t>(1, plan.flops()));
}

class Columns {
 public:
  explicit Columns(const Windows& windows) : windows_(windows) {
    if (windows.is_identity()) return;
    storage_ = Storage(static_cast<std::size_t>(windows.rows() * windows.columns()) * sizeof(Scalar));
  }
  /// The matrix of an image's windows: the image itself where they are single pixels.
  const Scalar* unfold(const Scalar* image) {
    if (windows_.is_identity()) return image;
    im2col(windows_, image, data());
    return data();
  }
  [[nodiscard]] Scalar* data() const noexcept { return static_cast<Scalar*>(storage_.data()); }

 private:
  const Windows& windows_;
  Storage storage_;
};

// dWᵀ [in/groups·kh·kw, out] of one group, summed over images in order. The transposed product packs the small dy
// instead of the large matrix of windows.
void sum_images(const ConvPlan& plan, const Scalar* dy, const Scalar* x, std::int64_t first, std::int64_t last,
                bool parallel, Columns& columns, Scalar* sums) {
  const Windows& w = plan.windows;
  for (std::int64_t item = first; item < last; item += plan.groups) {
    gemm({.m = w.rows(),
          .n = plan.outputs,
          .k = w.columns(),
          .a = columns.unfold(x + item * w.pixels()),
          .lda = w.columns(),
          .b = dy + item * plan.outputs * w.columns(),
          .ldb = w.columns(),
          .transpose_b = true,
          .c = sums,
          .ldc = plan.outputs,
          .accumulate = item != first,
          .parallel = parallel});
  }
}

// dw[o, r] = Σ over parts of part[r, o], in the order of parts.
void combine_parts(const Scalar* parts, std::int64_t count, std::int64_t stride, std::int64_t rows,
                   std::int64_t outputs, Scalar* dw) {
  for (std::int64_t o = 0; o < outputs; ++o) {
    for (std::int64_t r = 0; r < rows; ++r) {
      Scalar sum = parts[r * outputs + o];
      for (std::int64_t p = 1; p < count; ++p) sum += parts[p * stride + r * outputs + o];
      dw[o * rows + r] = sum;
    }
  }
}

}  // namespace

Tensor conv_forward(const ConvPlan& plan, const Tensor& x, const Tensor& weight, const Scalar* bias, bool relu,
                    const Shape& result) {
  Tensor y(result);
  const Windows& w = plan.windows;
  const std::int64_t items = plan.images * plan.groups;
  const Scalar* in = x.data();
  const Scalar* weights = weight.data();
  Scalar* out = y.mutable_data();
  parallel_for(items, items_per_chunk(plan), [&](std::int64_t begin, std::int64_t end) {
    Columns columns(w);
    for (std::int64_t item = begin; item < end; ++item) {
      const std::int64_t group = item % plan.groups;
      gemm({.m = plan.outputs,
            .n = w.columns(),
            .k = w.rows(),
            .a = weights + group * plan.outputs * w.rows(),
            .lda = w.rows(),
            .b = columns.unfold(in + item * w.pixels()),
            .ldb = w.columns(),
            .c = out + item * plan.outputs * w.columns(),
            .ldc = w.columns(),
            .row_bias = bias == nullptr ? nullptr : bias + group * plan.outputs,
            .relu = relu,
            .parallel = items == 1});
    }
  });
  return y;
}

Tensor conv_by_input(const ConvPlan& plan, const Tensor& dy, const Tensor& weight, const Shape& input) {
  const Windows& w = plan.windows;
  const bool direct = w.is_identity();
  Tensor dx(input);
  const std::int64_t items = plan.images * plan.groups;
  const Scalar* grad = dy.data();
  const Scalar* weights = weight.data();
  Scalar* out = dx.mutable_data();
  parallel_for(items, items_per_chunk(plan), [&](std::int64_t begin, std::int64_t end) {
    const Columns columns(w);
    for (std::int64_t item = begin; item < end; ++item) {
      Scalar* image = out + item * w.pixels();
      gemm({.m = w.rows(),
            .n = w.columns(),
            .k = plan.outputs,
            .a = weights + item % plan.groups * plan.outputs * w.rows(),
            .lda = w.rows(),
            .transpose_a = true,
            .b = grad + item * plan.outputs * w.columns(),
            .ldb = w.columns(),
            .c = direct ? image : columns.data(),
            .ldc = w.columns(),
            .parallel = items == 1});
      if (direct) continue;
      std::fill(image, image + w.pixels(), Scalar{0});
      col2im(w, columns.data(), image);
    }
  });
  return dx;
}

Tensor conv_by_weight(const ConvPlan& plan, const Tensor& dy, const Tensor& x, const Shape& weight) {
  const Windows& w = plan.windows;
  if (plan.images == 0) return Tensor::zeros(weight);
  Tensor dw(weight);
  const std::int64_t block = w.rows() * plan.outputs, stride = block * plan.groups;
  const std::int64_t most = std::clamp<std::int64_t>(kPartElements / std::max<std::int64_t>(1, stride), 1, kMaxParts);
  const std::int64_t images_per_part =
      std::max({items_per_chunk(plan) / plan.groups, ceil_div(plan.images, most), std::int64_t{1}});
  const std::int64_t parts = ceil_div(plan.images, images_per_part);
  const Storage sums(static_cast<std::size_t>(parts * stride) * sizeof(Scalar));
  auto* partial = static_cast<Scalar*>(sums.data());
  const Scalar* grad = dy.data();
  const Scalar* in = x.data();
  parallel_for(parts * plan.groups, 1, [&](std::int64_t job, std::int64_t) {
    const std::int64_t part = job / plan.groups, group = job % plan.groups;
    const std::int64_t last = std::min((part + 1) * images_per_part, plan.images);
    Columns columns(w);
    sum_images(plan, grad, in, part * images_per_part * plan.groups + group, last * plan.groups,
               parts * plan.groups == 1, columns, partial + part * stride + group * block);
  });
  Scalar* out = dw.mutable_data();
  for (std::int64_t g = 0; g < plan.groups; ++g) {
    combine_parts(partial + g * block, parts, stride, w.rows(), plan.outputs, out + g * block);
  }
  return dw;
}

}  // namespace tempera::core
