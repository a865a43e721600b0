// Convolutions as the sums of products that define them, with the error that rounding explains.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "tempera/core/ops/conv2d.hpp"
#include "tempera/core/random.hpp"

namespace tempera::core::plain {

/// Sums of products in double, with what is needed to bound the rounding of the same sums in any order.
class Sums {
 public:
  explicit Sums(std::int64_t count)
      : sum_(static_cast<std::size_t>(count)), magnitude_(sum_.size()), terms_(sum_.size()) {}

  void add(std::int64_t element, double term) {
    const auto i = static_cast<std::size_t>(element);
    sum_[i] += term;
    magnitude_[i] += std::abs(term);
    terms_[i] += 1;
  }
  void rectify() {
    for (double& s : sum_) s = s < 0 ? 0 : s;
  }
  [[nodiscard]] const std::vector<double>& values() const noexcept { return sum_; }

  /// Index of the first element of `got` that is further away than n terms explain (Higham 2002, eq. 3.5; n + 1 for a factor
  /// that was rounded before, and twice, since these loops round too where Scalar is double), or is another infinity or no
  /// NaN where the sum is one; −1 if there is none, −2 for another number of elements.
  [[nodiscard]] std::int64_t first_far(const Tensor& got) const {
    if (got.numel() != std::ssize(sum_)) return -2;
    for (std::size_t i = 0; i < sum_.size(); ++i) {
      const auto value = static_cast<double>(got.values()[i]);
      if (std::isnan(sum_[i]) ? std::isnan(value) : value == sum_[i]) continue;
      const double rounded = (terms_[i] + 1) * static_cast<double>(std::numeric_limits<Scalar>::epsilon());
      if (!std::isfinite(sum_[i]) || !(std::abs(value - sum_[i]) <= rounded / (1 - rounded) * magnitude_[i])) {
        return static_cast<std::int64_t>(i);
      }
    }
    return -1;
  }

 private:
  std::vector<double> sum_, magnitude_, terms_;
};

struct Conv {
  Shape x, w;
  Conv2dOptions options;
  [[nodiscard]] Shape y() const { return conv2d_shape(x, w, options); }
};

/// fn(y, x, w) for every product of a pixel and a weight, with the positions of the output, the pixel and the weight. What
/// lies in the padding is 0 and left out.
template <class Fn>
void for_each_product(const Conv& c, const Fn& fn) {
  const Conv2dOptions& o = c.options;
  const Shape y = c.y();
  for (std::int64_t to = 0; to < y.numel(); ++to) {
    const std::int64_t column = to % y[3], row = to / y[3] % y[2], out = to / (y[3] * y[2]) % y[1];
    const std::int64_t image = to / (y[3] * y[2] * y[1]), first = out / (c.w[0] / o.groups) * c.w[1];
    for (std::int64_t tap = 0; tap < c.w[1] * c.w[2] * c.w[3]; ++tap) {
      const std::int64_t in = tap / (c.w[2] * c.w[3]), ky = tap / c.w[3] % c.w[2], kx = tap % c.w[3];
      const std::int64_t at_y = row * o.stride[0] - o.padding[0] + ky * o.dilation[0];
      const std::int64_t at_x = column * o.stride[1] - o.padding[1] + kx * o.dilation[1];
      if (at_y < 0 || at_y >= c.x[2] || at_x < 0 || at_x >= c.x[3]) continue;
      fn(to, ((image * c.x[1] + first + in) * c.x[2] + at_y) * c.x[3] + at_x, out * c.w[1] * c.w[2] * c.w[3] + tap);
    }
  }
}

inline double product(const Tensor& a, std::int64_t i, const Tensor& b, std::int64_t j) {
  return static_cast<double>(a.data()[i]) * static_cast<double>(b.data()[j]);
}

struct ConvOperands {
  Tensor x, w, bias, dy;  ///< bias may be empty
};

/// Which of the results of conv2d and its gradients is not the sum that defines it; "" if all are.
[[nodiscard]] inline const char* first_wrong(const Conv& c, const ConvOperands& in) {
  const Variable x(in.x, true), w(in.w, true), bias = in.bias.empty() ? Variable() : Variable(in.bias, true);
  const Variable y = conv2d(x, w, bias, c.options);
  Sums forward(c.y().numel()), by_input(c.x.numel()), by_weight(c.w.numel()), by_bias(c.w[0]);
  const auto channel = [plane = c.y()[2] * c.y()[3], &c](std::int64_t to) { return to / plane % c.w[0]; };
  Tensor dy = in.dy;
  for (std::int64_t to = 0; to < dy.numel(); ++to) {
    if (!in.bias.empty()) forward.add(to, static_cast<double>(in.bias.data()[channel(to)]));
    // The result decides: a sum near 0 may have another sign than the exact one.
    if (c.options.relu && y.value().data()[to] <= 0) dy.mutable_data()[to] = 0;
    by_bias.add(channel(to), static_cast<double>(dy.data()[to]));
  }
  for_each_product(c, [&](std::int64_t to, std::int64_t pixel, std::int64_t tap) {
    forward.add(to, product(in.x, pixel, in.w, tap));
    by_input.add(pixel, product(dy, to, in.w, tap));
    by_weight.add(tap, product(dy, to, in.x, pixel));
  });
  if (c.options.relu) forward.rectify();
  if (forward.first_far(y.value()) != -1) return "the result";
  backward(y, in.dy);
  if (by_input.first_far(x.grad()) != -1) return "the gradient by the input";
  if (by_weight.first_far(w.grad()) != -1) return "the gradient by the weight";
  if (!bias.empty() && by_bias.first_far(bias.grad()) != -1) return "the gradient by the bias";
  return "";
}

[[nodiscard]] inline Tensor normals(const Shape& shape, std::uint64_t seed) {
  Tensor x(shape);
  Random(seed, "plain sums").fill_normal(x.mutable_values(), 0, 1);
  return x;
}

/// Operands from a normal distribution.
[[nodiscard]] inline ConvOperands operands_of(const Conv& c, bool with_bias, std::uint64_t seed) {
  return {normals(c.x, seed), normals(c.w, seed + 1), with_bias ? normals({c.w[0]}, seed + 2) : Tensor(),
          normals(c.y(), seed + 3)};
}

}  // namespace tempera::core::plain
