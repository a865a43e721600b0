// Forward convolution as a product whose right operand, the matrix of windows, does not exist: where rows of windows are
// at least a vector long, the tiles read them from the image; elsewhere a strip of a few columns is copied at a time.
#include <algorithm>
#include <array>

#include "tempera/core/gemm.hpp"
#include "tempera/core/kernels/table.hpp"
#include "tempera/core/ops/conv2d_plan.hpp"
#include "tempera/core/ops/window_offsets.hpp"
#include "tempera/core/parallel.hpp"

namespace tempera::core {
namespace {

constexpr std::size_t kMaxVectors = 16;  // of a strip, at any level

class Forward {
 public:
  Forward(const ConvPlan& plan, const Scalar* weights, const Scalar* bias, bool relu)
      : plan_(plan),
        w_(plan.windows),
        offsets_(w_),
        vectors_per_row_(vectors_per_row(w_)),
        weights_(weights),
        bias_(bias),
        relu_(relu) {
    if (w_.is_identity()) return;
    if (vectors_per_row_ > 0) {
      find_places();
      return;
    }
    strips_.reserve(static_cast<std::size_t>(ceil_div(w_.columns(), kernels().gemm_nr)));
    for (std::int64_t j = 0; j < w_.columns(); j += kernels().gemm_nr) {
      strips_.push_back(offsets_.runs(j, std::min(j + kernels().gemm_nr, w_.columns())));
    }
  }

  // y [out, columns] of one group of one image.
  void image(std::int64_t group, const Scalar* x, Scalar* y) const {
    if (w_.is_identity()) return multiply(group, w_.columns(), x, w_.columns(), y);
    const Storage copy = offsets_.is_copied() ? scalars(offsets_.pixels()) : Storage();
    if (Scalar* copied = data_of(copy)) {
      offsets_.copy(x, copied);
      x = copied;
    }
    vectors_per_row_ > 0 ? rows(group, x, y) : strips(group, x, y);
  }

 private:
  void find_places() {
    places_.reserve(static_cast<std::size_t>(w_.out_height * vectors_per_row_));
    for (std::int64_t row = 0; row < w_.out_height; ++row) {
      for (std::int64_t v = 0; v < vectors_per_row_; ++v) {
        const std::int64_t lanes = kernels().conv_lanes;
        places_.push_back(row * w_.out_width + std::min(v * lanes, w_.out_width - lanes));
      }
    }
  }

  // Pieces of work of as many strips as make whole rows: two threads must not write where vectors overlap.
  void rows(std::int64_t group, const Scalar* x, Scalar* y) const {
    const auto vectors = static_cast<std::int64_t>(places_.size());
    const std::int64_t width = plan_.outputs == 1 ? kSingleRowVectors : kernels().gemm_nr / kernels().conv_lanes;
    const std::int64_t count = ceil_div(vectors, width);
    parallel_for(count, round_up(strips_per_chunk(count), vectors_per_row_), [&](std::int64_t begin, std::int64_t end) {
      for (; begin < end; ++begin) {
        windows(group, begin * width, std::min(width, vectors - begin * width), x, y);
      }
    });
  }

  void strips(std::int64_t group, const Scalar* x, Scalar* y) const {
    const auto count = static_cast<std::int64_t>(strips_.size());
    parallel_for(count, strips_per_chunk(count), [&](std::int64_t begin, std::int64_t end) {
      const Storage panel = scalars(w_.rows() * kernels().gemm_nr);
      for (; begin < end; ++begin) strip(group, begin, x, data_of(panel), y);
    });
  }

  [[nodiscard]] std::int64_t strips_per_chunk(std::int64_t count) const noexcept {
    return ceil_div(count * kChunkFlops, std::max<std::int64_t>(1, plan_.flops()));
  }

  // All outputs for a few vectors of windows, which the rows of weights meet while their pixels are in the first cache.
  void windows(std::int64_t group, std::int64_t first, std::int64_t count, const Scalar* x, Scalar* y) const {
    const std::int64_t* to = places_.data() + first;
    std::array<const Scalar*, kMaxVectors> columns{};
    for (std::int64_t v = 0; v < count; ++v) {
      columns[static_cast<std::size_t>(v)] = x + offsets_.columns()[static_cast<std::size_t>(to[v])];
    }
    const std::int64_t height = ceil_div(plan_.outputs, ceil_div(plan_.outputs, kernels().gemm_mr));
    for (std::int64_t i = 0; i < plan_.outputs; i += height) {
      const std::int64_t output = group * plan_.outputs + i;
      kernels().conv_windows({.m = std::min(height, plan_.outputs - i),
                              .n = count * kernels().conv_lanes,
                              .k = w_.rows(),
                              .a = weights_ + output * w_.rows(),
                              .a_row = w_.rows(),
                              .offsets = offsets_.rows().data(),
                              .columns = columns.data(),
                              .to = to,
                              .c = y + i * w_.columns(),
                              .c_row = w_.columns(),
                              .row_bias = bias_ == nullptr ? nullptr : bias_ + output,
                              .relu = relu_});
    }
  }

  void strip(std::int64_t group, std::int64_t index, const Scalar* x, Scalar* panel, Scalar* y) const {
    const CachedVector<WindowRun>& runs = strips_[static_cast<std::size_t>(index)];
    const std::int64_t width = kernels().gemm_nr, first = index * width;
    kernels().conv_pack(w_.rows(), offsets_.rows().data(), static_cast<std::int64_t>(runs.size()), runs.data(), x,
                        panel);
    multiply(group, std::min(width, w_.columns() - first), panel, width, y + first);
  }

  void multiply(std::int64_t group, std::int64_t n, const Scalar* b, std::int64_t ldb, Scalar* y) const {
    gemm({.m = plan_.outputs,
          .n = n,
          .k = w_.rows(),
          .a = weights_ + group * plan_.outputs * w_.rows(),
          .lda = w_.rows(),
          .b = b,
          .ldb = ldb,
          .c = y,
          .ldc = w_.columns(),
          .row_bias = bias_ == nullptr ? nullptr : bias_ + group * plan_.outputs,
          .relu = relu_,
          .parallel = w_.is_identity()});
  }

  const ConvPlan& plan_;
  const Windows& w_;
  WindowOffsets offsets_;
  std::int64_t vectors_per_row_;
  CachedVector<std::int64_t> places_;  // of vectors of windows: their first columns
  CachedVector<CachedVector<WindowRun>> strips_;
  const Scalar *weights_, *bias_;
  bool relu_;
};

}  // namespace

std::int64_t vectors_per_row(const Windows& w) noexcept {
  const std::int64_t vectors = ceil_div(w.out_width, kernels().conv_lanes);
  const std::int64_t computed = vectors * kernels().conv_lanes;
  return w.out_width >= kernels().conv_lanes && 2 * computed <= 3 * w.out_width ? vectors : 0;
}

PairPool conv_pool_forward(const ConvPlan& plan, const Tensor& x, const Tensor& weight, const Scalar* bias, bool relu,
                           const Shape& result) {
  PairPool pool(pool2d_shape(result, {}));
  const Forward forward(plan, weight.data(), bias, relu);
  const PairPlane plane{result[2], result[3]};
  const Scalar* in = x.data();
  Scalar *out = pool.y.mutable_data(), *chosen = data_of(pool.chosen);
  parallel_for(plan.images * plan.groups, items_per_chunk(plan), [&](std::int64_t begin, std::int64_t end) {
    const Storage scratch = scalars(plan.outputs * plane.pixels());
    for (std::int64_t item = begin; item < end; ++item) {
      const std::int64_t to = item * plan.outputs * plane.windows();
      forward.image(item % plan.groups, in + item * plan.windows.pixels(), data_of(scratch));
      pool_planes(plane, plan.outputs, data_of(scratch), out + to, chosen + to);
    }
  });
  return pool;
}

Tensor conv_forward(const ConvPlan& plan, const Tensor& x, const Tensor& weight, const Scalar* bias, bool relu,
                    const Shape& result) {
  Tensor y(result);
  const Forward forward(plan, weight.data(), bias, relu);
  const std::int64_t pixels = plan.windows.pixels(), outputs = plan.outputs * plan.windows.columns();
  const Scalar* in = x.data();
  Scalar* out = y.mutable_data();
  parallel_for(plan.images * plan.groups, items_per_chunk(plan), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t item = begin; item < end; ++item) {
      forward.image(item % plan.groups, in + item * pixels, out + item * outputs);
    }
  });
  return y;
}

}  // namespace tempera::core
