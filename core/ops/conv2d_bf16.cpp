// Convolution by products of bfloat16, for processors that multiply it: the windows of one image are written out as a matrix,
// which gemm() rounds and packs for its instructions. Where those are emulated, conv2d rounds its operands and takes the
// float32 road, which writes nothing out.
#include <algorithm>

#include "tempera/core/gemm.hpp"
#include "tempera/core/kernels/table.hpp"
#include "tempera/core/ops/conv2d_plan.hpp"
#include "tempera/core/ops/window_offsets.hpp"
#include "tempera/core/parallel.hpp"

namespace tempera::core {
namespace {

class Unfolded {
 public:
  explicit Unfolded(const ConvPlan& plan)
      : plan_(plan), w_(plan.windows), offsets_(w_), runs_(offsets_.runs(0, w_.columns())) {}

  // Room for the windows of an image, which one chunk of a parallel loop has to itself.
  struct Room {
    Storage copy, matrix;
  };
  [[nodiscard]] Room room() const {
    if (w_.is_identity()) return {};
    return {offsets_.is_copied() ? scalars(offsets_.pixels()) : Storage(), scalars(w_.rows() * w_.columns())};
  }

  // The matrix [rows, columns] of the windows of one group of an image.
  const Scalar* windows(const Scalar* image, const Room& room) const {
    if (w_.is_identity()) return image;
    if (Scalar* copied = data_of(room.copy)) {
      offsets_.copy(image, copied);
      image = copied;
    }
    Scalar* to = data_of(room.matrix);
    for (const std::int64_t row : offsets_.rows()) {
      for (const WindowRun& run : runs_) std::copy_n(image + row + run.from, run.count, to + run.to);
      to += w_.columns();
    }
    return data_of(room.matrix);
  }

  void forward(const Scalar* weights, const Scalar* windows, const Scalar* bias, bool relu, Scalar* y) const {
    gemm({.m = plan_.outputs,
          .n = w_.columns(),
          .k = w_.rows(),
          .a = weights,
          .lda = w_.rows(),
          .b = windows,
          .ldb = w_.columns(),
          .c = y,
          .ldc = w_.columns(),
          .row_bias = bias,
          .relu = relu,
          .precision = Precision::kBf16});
  }

  void by_input(const Scalar* weights, const Scalar* dy, const Room& room, Scalar* dx) const {
    Scalar* matrix = w_.is_identity() ? dx : data_of(room.matrix);
    gemm({.m = w_.rows(),
          .n = w_.columns(),
          .k = plan_.outputs,
          .a = weights,
          .lda = w_.rows(),
          .transpose_a = true,
          .b = dy,
          .ldb = w_.columns(),
          .c = matrix,
          .ldc = w_.columns(),
          .precision = Precision::kBf16});
    if (!w_.is_identity()) fold(w_, matrix, dx);
  }

  void by_weight(const Scalar* dy, const Scalar* windows, bool accumulate, Scalar* dw) const {
    gemm({.m = plan_.outputs,
          .n = w_.rows(),
          .k = w_.columns(),
          .a = dy,
          .lda = w_.columns(),
          .b = windows,
          .ldb = w_.columns(),
          .transpose_b = true,
          .c = dw,
          .ldc = w_.rows(),
          .accumulate = accumulate,
          .precision = Precision::kBf16});
  }

 private:
  const ConvPlan& plan_;
  const Windows& w_;
  WindowOffsets offsets_;
  CachedVector<WindowRun> runs_;
};

// One group of the images [first, last); dw, the sum over them, may be null.
void backward_part(const ConvPlan& plan, const Unfolded& unfolded, const ConvGradients& g, std::int64_t group,
                   std::int64_t first, std::int64_t last, Scalar* dw) {
  const Windows& w = plan.windows;
  const Unfolded::Room room = unfolded.room();
  for (std::int64_t image = first; image < last; ++image) {
    const std::int64_t item = image * plan.groups + group;
    const Scalar* dy = g.dy + item * plan.outputs * w.columns();
    if (g.dx != nullptr) {
      unfolded.by_input(g.w + group * plan.outputs * w.rows(), dy, room, g.dx + item * w.pixels());
    }
    if (dw != nullptr) {
      unfolded.by_weight(dy, unfolded.windows(g.x + item * w.pixels(), room), image != first, dw);
    }
  }
}

}  // namespace

Tensor bf16_conv_forward(const ConvPlan& plan, const Tensor& x, const Tensor& weight, const Scalar* bias, bool relu,
                         const Shape& result) {
  Tensor y(result);
  const Unfolded unfolded(plan);
  const Windows& w = plan.windows;
  const std::int64_t pixels = w.pixels(), outputs = plan.outputs * w.columns(), weights = plan.outputs * w.rows();
  const Scalar* in = x.data();
  Scalar* out = y.mutable_data();
  parallel_for(plan.images * plan.groups, items_per_chunk(plan), [&](std::int64_t item, std::int64_t end) {
    const Unfolded::Room room = unfolded.room();
    for (; item < end; ++item) {
      const std::int64_t group = item % plan.groups;
      unfolded.forward(weight.data() + group * weights, unfolded.windows(in + item * pixels, room),
                       bias == nullptr ? nullptr : bias + group * plan.outputs, relu, out + item * outputs);
    }
  });
  return y;
}

void bf16_conv_backward(const ConvPlan& plan, const ConvGradients& g) {
  const std::int64_t block = plan.outputs * plan.windows.rows(), elements = block * plan.groups;
  if (plan.images == 0) {
    if (g.dw != nullptr) std::fill_n(g.dw, elements, Scalar{0});
    return;
  }
  const std::int64_t images = ceil_div(plan.images, weight_gradient_parts(elements)),
                     parts = ceil_div(plan.images, images);
  const Storage sums = g.dw == nullptr ? Storage() : scalars(parts * elements);
  const Unfolded unfolded(plan);
  parallel_for(parts * plan.groups, 1, [&](std::int64_t job, std::int64_t) {
    const std::int64_t part = job / plan.groups, group = job % plan.groups;
    backward_part(plan, unfolded, g, group, part * images, std::min((part + 1) * images, plan.images),
                  g.dw == nullptr ? nullptr : data_of(sums) + part * elements + group * block);
  });
  if (g.dw == nullptr) return;
  std::copy_n(data_of(sums), elements, g.dw);
  for (std::int64_t p = 1; p < parts; ++p) kernels().add(elements, g.dw, data_of(sums) + p * elements, g.dw);
}

}  // namespace tempera::core
