// Forward convolution as a product whose right operand, the matrix of windows, does not exist: where windows that are
// neighbours fill whole vectors, the tiles read them from the image; elsewhere a strip of a few columns is copied at a time.
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
      : plan_(plan), w_(plan.windows), offsets_(w_), weights_(weights), bias_(bias), relu_(relu) {
    if (w_.is_identity() || in_place()) return;
    for (std::int64_t j = 0; j < w_.columns(); j += kernels().gemm_nr) {
      strips_.push_back(offsets_.runs(j, std::min(j + kernels().gemm_nr, w_.columns())));
    }
  }

  // y [out, columns] of one group of one image.
  void image(std::int64_t group, const Scalar* x, Scalar* y) const {
    if (w_.is_identity()) return multiply(group, w_.columns(), x, w_.columns(), y);
    const Storage padding = offsets_.is_padded() ? scalars(offsets_.pixels()) : Storage();
    if (auto* padded = static_cast<Scalar*>(padding.data())) {
      offsets_.pad(x, padded);
      x = padded;
    }
    const std::int64_t count = ceil_div(w_.columns(), kernels().gemm_nr);
    parallel_for(count, ceil_div(count * kChunkFlops, std::max<std::int64_t>(1, plan_.flops())),
                 [&](std::int64_t begin, std::int64_t end) {
                   const Storage panel = in_place() ? Storage() : scalars(w_.rows() * kernels().gemm_nr);
                   auto* copies = static_cast<Scalar*>(panel.data());
                   for (; begin < end; ++begin) {
                     in_place() ? windows(group, begin, x, y) : strip(group, begin, x, copies, y);
                   }
                 });
  }

 private:
  // Every vector of windows lies in one row of outputs, and its pixels beside each other in a row of the image.
  [[nodiscard]] bool in_place() const noexcept { return w_.stride_w == 1 && w_.out_width % kernels().conv_lanes == 0; }

  // All outputs for one strip of windows, which the rows of weights meet while their pixels are in the first cache.
  void windows(std::int64_t group, std::int64_t index, const Scalar* x, Scalar* y) const {
    const std::int64_t width = kernels().gemm_nr, first = index * width, lanes = kernels().conv_lanes;
    std::array<const Scalar*, kMaxVectors> columns{};
    const std::int64_t n = std::min(width, w_.columns() - first);
    for (std::int64_t j = 0; j < n; j += lanes) {
      columns[static_cast<std::size_t>(j / lanes)] = x + offsets_.columns()[static_cast<std::size_t>(first + j)];
    }
    const std::int64_t height = ceil_div(plan_.outputs, ceil_div(plan_.outputs, kernels().gemm_mr));
    for (std::int64_t i = 0; i < plan_.outputs; i += height) {
      const std::int64_t output = group * plan_.outputs + i;
      kernels().conv_windows({.m = std::min(height, plan_.outputs - i),
                              .n = n,
                              .k = w_.rows(),
                              .a = weights_ + output * w_.rows(),
                              .a_row = w_.rows(),
                              .offsets = offsets_.rows().data(),
                              .columns = columns.data(),
                              .c = y + i * w_.columns() + first,
                              .c_row = w_.columns(),
                              .row_bias = bias_ == nullptr ? nullptr : bias_ + output,
                              .relu = relu_});
    }
  }

  void strip(std::int64_t group, std::int64_t index, const Scalar* x, Scalar* panel, Scalar* y) const {
    const std::vector<WindowRun>& runs = strips_[static_cast<std::size_t>(index)];
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
  std::vector<std::vector<WindowRun>> strips_;
  const Scalar *weights_, *bias_;
  bool relu_;
};

}  // namespace

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
