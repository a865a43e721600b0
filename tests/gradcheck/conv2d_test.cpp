// Oracle: central differences in double precision.
#include "tempera/core/ops/conv2d.hpp"

#include "gradcheck/support.hpp"
#include "tempera/core/ops/pool2d.hpp"

namespace tempera::gradcheck_test {
namespace {

using core::Conv2dOptions;
using core::Pool2dOptions;

struct ConvCase {
  Variables operands;
  Conv2dOptions options;
};

// Extents that the windows do not divide are as likely as those they do.
ConvCase some_convolution(int groups, int per_group_in, int per_group_out) {
  ConvCase c;
  c.options.groups = groups;
  std::vector<std::int64_t> image{number(1, 3), groups * per_group_in}, kernel{groups * per_group_out, per_group_in};
  for (std::size_t i = 0; i < 2; ++i) {
    c.options.stride[i] = number(1, 3);
    c.options.padding[i] = number(0, 2);
    c.options.dilation[i] = number(1, 2);
    kernel.push_back(number(1, 3));
    const int reach = static_cast<int>(c.options.dilation[i] * (kernel.back() - 1) + 1 - 2 * c.options.padding[i]);
    image.push_back(std::max(reach, 1) + number(0, 4));
  }
  c.operands = {normal(shape_of(image)), normal(shape_of(kernel))};
  if (coin()) c.operands.push_back(normal({groups * per_group_out}));
  return c;
}

Variable convolve(const Variables& v, const Conv2dOptions& options) {
  return core::conv2d(v[0], v[1], v.size() > 2 ? v[2] : Variable(), options);
}

void check(const ConvCase& c) {
  agrees([&](const Variables& in) { return convolve(in, c.options); }, c.operands);
}

TEST_CASE("conv2d gradients agree with differences for any stride, padding, dilation and groups") {
  property("conv2d", [] { check(some_convolution(number(1, 3), number(1, 2), number(1, 3))); });
}

TEST_CASE("depthwise conv2d gradients agree with differences, also with several outputs a channel") {
  property("depthwise", [] { check(some_convolution(number(2, 4), 1, number(1, 2))); });
}

TEST_CASE("gradients of Winograd's convolutions agree with differences") {
  property("winograd", [] {
    const int in = number(1, 3);
    ConvCase c{.operands = {normal({number(1, 2), in, number(3, 9), number(3, 9)}), normal({number(1, 3), in, 3, 3})}};
    if (coin()) c.operands.push_back(normal({c.operands[1].shape()[0]}));
    c.options.padding = {number(0, 2), number(0, 2)};
    c.options.algorithm = coin() ? core::ConvAlgorithm::kWinograd2x2 : core::ConvAlgorithm::kWinograd4x4;
    check(c);
  });
}

TEST_CASE("conv2d with relu passes gradients only where it is positive") {
  property("conv2d relu", [] {
    ConvCase c = some_convolution(number(1, 2), number(1, 2), number(1, 2));
    const Variable pre = convolve(c.operands, c.options);
    for (const Scalar v : pre.value().values()) RC_PRE(std::abs(v) > 1e-3);
    c.options.relu = true;
    check(c);
  });
}

TEST_CASE("pooling gradients agree with differences for any window, stride and padding") {
  property("pool2d", [] {
    Pool2dOptions o;
    std::vector<std::int64_t> image{number(1, 2), number(1, 3)};
    for (std::size_t i = 0; i < 2; ++i) {
      o.size[i] = number(1, 3);
      o.stride[i] = number(0, 3);
      o.padding[i] = number(0, static_cast<int>(o.size[i] / 2));
      image.push_back(o.size[i] + number(0, 4));
    }
    const Variable x = distinct(shape_of(image));
    const bool count_padding = coin();
    agrees([&](const Variables& in) { return core::max_pool2d(in[0], o); }, {x});
    agrees([&](const Variables& in) { return core::avg_pool2d(in[0], o, count_padding); }, {x});
    agrees([&](const Variables& in) { return core::max_pool2d(in[0], {.size = {1, 1}}); }, {x});
    agrees([&](const Variables& in) { return core::global_avg_pool2d(in[0]); }, {x});
  });
}

TEST_CASE("pooling by pairs has the gradient of its differences for odd and even images") {
  property("2 x 2", [] {
    const Variable x = distinct({number(1, 2), number(1, 3), number(2, 7), number(2, 7)});
    agrees([&](const Variables& in) { return core::max_pool2d(in[0]); }, {x});
  });
}

}  // namespace
}  // namespace tempera::gradcheck_test
