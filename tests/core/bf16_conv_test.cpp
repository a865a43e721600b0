// The road of convolution on processors that multiply bfloat16, walked on any of them: gemm() emulates its products here.
// Oracles: PyTorch's numbers on operands that it rounded (tests/golden/bf16.json), and emulated convolution.
#include <fstream>

#include "core/golden.hpp"
#include "tempera/core/ops/conv2d.hpp"
#include "tempera/core/ops/conv2d_plan.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/precision.hpp"
#include "tempera/core/random.hpp"

namespace tempera::core {
namespace {

using golden_test::Json;
using golden_test::kTolerance;
using golden_test::tensor;
using golden_test::worst_difference;

struct Geometry {
  Shape x, w;
  Conv2dOptions options;
};

ConvPlan plan_of(const Geometry& g) {
  const Shape y = conv2d_shape(g.x, g.w, g.options);
  ConvPlan plan{.images = g.x[0], .groups = g.options.groups, .outputs = g.w[0] / g.options.groups};
  plan.windows = {.channels = g.w[1],
                  .height = g.x[2],
                  .width = g.x[3],
                  .kernel_h = g.w[2],
                  .kernel_w = g.w[3],
                  .stride_h = g.options.stride[0],
                  .stride_w = g.options.stride[1],
                  .padding_h = g.options.padding[0],
                  .padding_w = g.options.padding[1],
                  .dilation_h = g.options.dilation[0],
                  .dilation_w = g.options.dilation[1],
                  .out_height = y[2],
                  .out_width = y[3]};
  return plan;
}

struct Results {
  Tensor y, dx, dw;
};

// dy is by the result; the rectifier's part is done here, as conv2d does it.
Results run(const Geometry& g, const Tensor& x, const Tensor& w, const Tensor& bias, const Tensor& dy) {
  const ConvPlan plan = plan_of(g);
  Results r{bf16_conv_forward(plan, x, w, bias.empty() ? nullptr : bias.data(), g.options.relu,
                              conv2d_shape(g.x, g.w, g.options)),
            Tensor(g.x), Tensor(g.w)};
  Tensor before = dy;
  if (g.options.relu) {
    for (std::int64_t i = 0; i < dy.numel(); ++i) {
      if (!(r.y.data()[i] > 0)) before.mutable_data()[i] = 0;
    }
  }
  bf16_conv_backward(plan, {.dy = before.data(),
                            .y = nullptr,
                            .x = x.data(),
                            .w = w.data(),
                            .dx = r.dx.mutable_data(),
                            .dw = r.dw.mutable_data(),
                            .dbias = nullptr});
  return r;
}

Tensor uniform_tensor(const Shape& shape, std::uint64_t seed) {
  Tensor x(shape);
  Random(seed, "bf16 conv").fill_uniform(x.mutable_values(), -1, 1);
  return x;
}

TEST_CASE("convolution by bf16 products of its written-out windows has PyTorch's values and gradients") {
  std::ifstream file(TEMPERA_SOURCE_DIR "/tests/golden/bf16.json");
  int cases = 0;
  const Json golden = Json::parse(file);
  for (const Json& c : golden.at("cases")) {
    if (c.at("op") != "conv2d") continue;
    const Json& o = c.at("options");
    const Json& inputs = c.at("inputs");
    const Tensor x = tensor(inputs[0]), w = tensor(inputs[1]);
    const Results r = run({.x = x.shape(),
                           .w = w.shape(),
                           .options = {.stride = o.at("stride"),
                                       .padding = o.at("padding"),
                                       .dilation = o.at("dilation"),
                                       .groups = o.at("groups"),
                                       .relu = o.at("relu")}},
                          x, w, tensor(inputs[2]), tensor(c.at("dy")));
    CAPTURE(o.dump());
    CHECK(worst_difference(r.y, c.at("y")) < kTolerance);
    CHECK(worst_difference(r.dx, c.at("gradients")[0]) < kTolerance);
    CHECK(worst_difference(r.dw, c.at("gradients")[1]) < kTolerance);
    ++cases;
  }
  CHECK(cases >= 7);
}

TEST_CASE("many images in parts are emulated convolution's sums, and the same bits for every number of threads") {
  const Geometry g{.x = {37, 3, 9, 8}, .w = {5, 3, 3, 2}, .options = {.padding = {1, 1}}};
  const Tensor x = uniform_tensor(g.x, 1), w = uniform_tensor(g.w, 2);
  const Tensor dy = uniform_tensor(conv2d_shape(g.x, g.w, g.options), 3);
  const int before = thread_count();
  set_thread_count(1);
  const Results one = run(g, x, w, {}, dy);
  const Variable vx(x, true), vw(w, true);
  {
    const PrecisionScope bf16(Precision::kBf16);
    backward(conv2d(vx, vw, {}, g.options), dy);
  }
  for (std::int64_t i = 0; i < w.numel(); ++i) {  // of 37·9·9 terms below 1
    CHECK(one.dw.data()[i] == doctest::Approx(vw.grad().data()[i]).epsilon(1e-4).scale(10));
  }
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    REQUIRE(one.dx.data()[i] == doctest::Approx(vx.grad().data()[i]).epsilon(1e-5).scale(1));
  }
  for (const int threads : {2, 5}) {
    set_thread_count(threads);
    const Results more = run(g, x, w, {}, dy);
    CHECK(std::ranges::equal(more.y.values(), one.y.values()));
    CHECK(std::ranges::equal(more.dx.values(), one.dx.values()));
    CHECK(std::ranges::equal(more.dw.values(), one.dw.values()));
  }
  set_thread_count(before);
}

TEST_CASE("no images leave a weight gradient of zeros") {
  const Geometry g{.x = {0, 2, 4, 4}, .w = {3, 2, 3, 3}, .options = {}};
  const Results r = run(g, Tensor(g.x), uniform_tensor(g.w, 1), {}, Tensor(Shape{0, 3, 2, 2}));
  CHECK(r.y.shape() == Shape{0, 3, 2, 2});
  for (const Scalar value : r.dw.values()) CHECK(value == 0);
}

}  // namespace
}  // namespace tempera::core
