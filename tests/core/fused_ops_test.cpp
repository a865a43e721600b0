// Fused operations. Oracle: the composite of plain operations that each of them names as its definition.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "support/worse.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/core/ops/activations.hpp"
#include "tempera/core/ops/conv2d.hpp"
#include "tempera/core/ops/dropout.hpp"
#include "tempera/core/ops/elementwise.hpp"
#include "tempera/core/ops/gather.hpp"
#include "tempera/core/ops/layout.hpp"
#include "tempera/core/ops/matmul.hpp"
#include "tempera/core/ops/norm.hpp"
#include "tempera/core/ops/pool2d.hpp"
#include "tempera/core/ops/reduce.hpp"
#include "tempera/core/ops/softmax.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/random.hpp"

namespace tempera::core {
namespace {

using Variables = std::vector<Variable>;
using Fn = Variable (*)(const Variables&);

Tensor random_tensor(const Shape& shape, std::uint64_t seed) {
  Tensor x(shape);
  Random(seed, "operand").fill_normal(x.mutable_values(), 0, 1);
  return x;
}

Variable leaf(const Shape& shape, std::uint64_t seed) { return Variable(random_tensor(shape, seed), true); }

double worst(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  double result = 0;
  for (std::int64_t i = 0; i < a.numel(); ++i) {
    const double x = static_cast<double>(a.data()[i]), y = static_cast<double>(b.data()[i]);
    result = test::worse(result, std::abs(x - y) / std::max(1.0, std::abs(y)));
  }
  return result;
}

struct Outcome {
  Tensor value;
  std::vector<Tensor> gradients;
};

Outcome outcome(Fn fn, const Variables& inputs) {
  const Variable y = fn(inputs);
  for (const Variable& input : inputs) input.zero_grad();
  backward(y, y.shape().rank() == 0 ? Tensor::scalar(3) : random_tensor(y.shape(), 99));
  Outcome result{y.value(), {}};
  for (const Variable& input : inputs) result.gradients.push_back(input.grad());
  return result;
}

void check_same(Fn fused, Fn composite, const Variables& inputs) {
  constexpr double kTolerance = 1e-4;  // sums of up to a few hundred terms in another order
  const Outcome a = outcome(fused, inputs), b = outcome(composite, inputs);
  CHECK(worst(a.value, b.value) < kTolerance);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    CAPTURE(i);
    CHECK(worst(a.gradients[i], b.gradients[i]) < kTolerance);
  }
}

TEST_CASE("linear equals relu of matmul plus bias") {
  for (const std::int64_t batch : {1, 5, 64}) {
    const Variables in{leaf({batch, 37}, 1), leaf({19, 37}, 2), leaf({19}, 3)};
    check_same([](const Variables& v) { return linear(v[0], v[1], v[2]); },
               [](const Variables& v) { return add(matmul(v[0], v[1], {.b = true}), v[2]); }, in);
    check_same([](const Variables& v) { return linear(v[0], v[1], v[2], true); },
               [](const Variables& v) { return relu(add(matmul(v[0], v[1], {.b = true}), v[2])); }, in);
  }
}

TEST_CASE("cross_entropy equals the mean of the picked log-probabilities, mixed with their mean when smoothed") {
  static const std::vector<std::int32_t> labels{1, 0, 4, 4, 2, 3, 0};
  const Variables in{leaf({7, 5}, 4)};
  check_same([](const Variables& v) { return cross_entropy(v[0], labels); },
             [](const Variables& v) { return neg(mean(pick(log_softmax(v[0]), labels))); }, in);
  check_same([](const Variables& v) { return cross_entropy(v[0], labels, 0.2); },
             [](const Variables& v) {
               const Variable p = log_softmax(v[0]);
               return neg(mean(pick(p, labels)) * 0.8 + mean(p) * 0.2);
             },
             in);
}

TEST_CASE("conv2d equals relu of convolution plus bias") {
  const Variables in{leaf({3, 4, 9, 8}, 5), leaf({6, 2, 3, 3}, 6), leaf({6}, 7)};
  check_same(
      [](const Variables& v) {
        return conv2d(v[0], v[1], v[2], {.stride = {2, 1}, .padding = {1, 1}, .groups = 2, .relu = true});
      },
      [](const Variables& v) {
        const Variable y = conv2d(v[0], v[1], {}, {.stride = {2, 1}, .padding = {1, 1}, .groups = 2});
        return relu(add(y, reshape(v[2], {1, 6, 1, 1})));
      },
      in);
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.numel()) * sizeof(Scalar)) == 0;
}

TEST_CASE("a pooling within a convolution gives the bits of the pooling behind it, gradients too") {
  const auto check = [](Fn fused, Fn composite, const Variables& in) {
    const Outcome a = outcome(fused, in), b = outcome(composite, in);
    CHECK(same_bits(a.value, b.value));
    for (std::size_t i = 0; i < a.gradients.size(); ++i) CHECK(same_bits(a.gradients[i], b.gradients[i]));
  };
  const Variables odd{leaf({5, 3, 13, 12}, 15), leaf({8, 3, 5, 5}, 16), leaf({8}, 17)};
  check([](const Variables& v) { return conv2d(v[0], v[1], v[2], {.relu = true, .pool_pairs = true}); },
        [](const Variables& v) { return max_pool2d(conv2d(v[0], v[1], v[2], {.relu = true})); }, odd);
  check([](const Variables& v) { return conv2d(v[0], v[1], v[2], {.pool_pairs = true}); },
        [](const Variables& v) { return max_pool2d(conv2d(v[0], v[1], v[2])); }, odd);
  const Variables many{leaf({3, 32, 12, 14}, 18), leaf({32, 32, 3, 3}, 19), leaf({32}, 20)};
  check([](const Variables& v) { return conv2d(v[0], v[1], v[2], {.relu = true, .pool_pairs = true}); },
        [](const Variables& v) { return max_pool2d(conv2d(v[0], v[1], v[2], {.relu = true})); }, many);
}

TEST_CASE("a 1 x 1 convolution is a matrix product over channels") {
  const Variables in{leaf({1, 5, 4, 6}, 8), leaf({7, 5, 1, 1}, 9)};
  check_same([](const Variables& v) { return conv2d(v[0], v[1]); },
             [](const Variables& v) {
               return reshape(matmul(reshape(v[1], {7, 5}), reshape(v[0], {5, 24})), {1, 7, 4, 6});
             },
             in);
}

// Of images [batch, channels, height, width] or features [batch, channels], γ·(x − mean)/√(variance + ε) + β in operations
// of one value each.
Variable normalized(const Variables& v, const Variable& mean, const Variable& variance, double epsilon) {
  const Shape channels = v[0].shape().rank() == 4 ? Shape{1, v[0].shape()[1], 1, 1} : Shape{1, v[0].shape()[1]};
  const auto spread = [&](const Variable& x) { return reshape(x, channels); };
  const Variable y = (v[0] - spread(mean)) / sqrt(spread(variance) + epsilon);
  return v.size() == 1 ? y : y * spread(v[1]) + spread(v[2]);
}

Variable normalized_by_batch(const Variables& v, double epsilon = 1e-5) {
  const std::vector<int> others = v[0].shape().rank() == 4 ? std::vector{0, 2, 3} : std::vector{0};
  const Variable average = mean(v[0], others, true), rest = v[0] - average;
  const Shape channels{v[0].shape()[1]};
  return normalized(v, reshape(average, channels), reshape(mean(rest * rest, others, true), channels), epsilon);
}

TEST_CASE(
    "batch_norm equals the quotient of what its statistics leave, scaled and shifted, and its gradients go through "
    "them") {
  for (const Shape& shape : {Shape{6, 5}, Shape{67, 3}, Shape{4, 7, 5, 3}, Shape{1, 2, 8, 17}, Shape{2, 1, 1, 1}}) {
    const std::string what = shape.text();
    CAPTURE(what);
    const Variables in{leaf(shape, 30), leaf({shape[1]}, 31), leaf({shape[1]}, 32)};
    check_same([](const Variables& v) { return batch_norm_training(v[0], v[1], v[2]).output; },
               [](const Variables& v) { return normalized_by_batch(v); }, in);
    check_same([](const Variables& v) { return batch_norm_training(v[0], {}, {}, 0.5).output; },
               [](const Variables& v) { return normalized_by_batch(v, 0.5); }, {in[0]});
  }
}

Tensor given_mean() { return Tensor({3}, {1, -2, Scalar(0.5)}); }
Tensor given_variance() { return Tensor({3}, {4, Scalar(0.25), 0}); }

TEST_CASE("batch_norm by given statistics equals the quotient of what these leave, and they have no gradients") {
  for (const Shape& shape : {Shape{6, 3}, Shape{4, 3, 5, 7}}) {
    const Variables in{leaf(shape, 33), leaf({3}, 34), leaf({3}, 35)};
    check_same(
        [](const Variables& v) { return batch_norm_evaluation(v[0], v[1], v[2], given_mean(), given_variance(), 0.1); },
        [](const Variables& v) { return normalized(v, Variable(given_mean()), Variable(given_variance()), 0.1); }, in);
    check_same(
        [](const Variables& v) { return batch_norm_evaluation(v[0], {}, {}, given_mean(), given_variance(), 0.1); },
        [](const Variables& v) { return normalized(v, Variable(given_mean()), Variable(given_variance()), 0.1); },
        {in[0]});
  }
}

// Oracle: the limit T → 0, all for the largest and its equals; and two classes whose difference over T is 2.
TEST_CASE("a temperature however small or large, over logits however large, gives numbers") {
  const auto weights = Tensor({2, 3}, {1, 2, 3, 4, 5, 6});
  for (const double t : {1e-37, 1.0001e-37, 1e-20}) {
    CAPTURE(t);
    const Variable x(Tensor({2, 3}, {40, 39, -100, -50, -1e5, -50}), true);
    const Variable p = softmax(x, t);
    CHECK(worst(p.value(), Tensor({2, 3}, {1, 0, 0, Scalar(0.5), 0, Scalar(0.5)})) == 0);
    const Tensor logarithms = log_softmax(x, t).value();
    CHECK(logarithms.values()[0] == 0);
    CHECK(logarithms.values()[1] < -1e19);
    CHECK(logarithms.values()[3] == doctest::Approx(-std::log(2.0)));
    backward(p, weights);
    for (std::size_t c = 0; c < 3; ++c) CHECK(x.grad().values()[c] == 0);  // nothing moves the first row
    CHECK(x.grad().values()[4] == 0);
    CHECK(static_cast<double>(x.grad().values()[5]) * t == doctest::Approx(0.25 * (6 - 4)));  // p·(1 − p)·(dy₅ − dy₃)
  }
  const Variable wide(Tensor({1, 2}, {Scalar(1e38), Scalar(-1e38)}));
  CHECK(softmax(wide, 1e38).value().values()[1] == doctest::Approx(1 / (1 + std::exp(2.0))));
}

TEST_CASE("softmax of two classes is the sigmoid of their difference, and log_softmax its logarithm") {
  const Variables in{leaf({9, 2}, 10)};
  check_same([](const Variables& v) { return slice(softmax(v[0]), 1, 1, 2); },
             [](const Variables& v) { return sigmoid(slice(v[0], 1, 1, 2) - slice(v[0], 1, 0, 1)); }, in);
  check_same([](const Variables& v) { return log_softmax(v[0], 5.0); },
             [](const Variables& v) { return log(softmax(v[0] * 0.2)); }, in);
}

TEST_CASE("convolutions, pools and batch sums give the same bits on 1, 2, 3, 4 and 7 threads") {
  const Fn network = [](const Variables& v) {
    const Variable hidden = max_pool2d(conv2d(v[0], v[1], v[2], {.padding = {1, 1}, .relu = true}));
    const Variable deep = conv2d(hidden, v[3], {}, {.groups = 8});
    return sum(mul(deep, deep), {0, 2, 3});
  };
  const Variables in{leaf({37, 3, 20, 18}, 11), leaf({8, 3, 5, 5}, 12), leaf({8}, 13), leaf({16, 1, 3, 3}, 14)};
  const int threads = thread_count();
  set_thread_count(1);
  const Outcome expected = outcome(network, in);
  for (const int count : {2, 3, 4, 7}) {
    CAPTURE(count);
    set_thread_count(count);
    const Outcome got = outcome(network, in);
    CHECK(same_bits(got.value, expected.value));
    for (std::size_t i = 0; i < in.size(); ++i) CHECK(same_bits(got.gradients[i], expected.gradients[i]));
  }
  set_thread_count(threads);
}

TEST_CASE("dropout keeps the mean, drops its share, and depends on nothing but its random sequence") {
  const Variable x(Tensor::full({100'000}, Scalar{1}), true);
  const Random random(7, "dropout");
  const Variable y = dropout(x, 0.3, random);
  std::int64_t dropped = 0;
  for (const Scalar v : y.value().values()) {
    if (v == 0) ++dropped;
    if (v != 0) REQUIRE(v == static_cast<Scalar>(1.0 / 0.7));
  }
  CHECK(std::abs(static_cast<double>(dropped) - 30'000) < 5 * std::sqrt(100'000 * 0.3 * 0.7));  // five deviations
  CHECK(same_bits(dropout(x, 0.3, random).value(), y.value()));
  CHECK_FALSE(same_bits(dropout(x, 0.3, random.substream(1)).value(), y.value()));
  backward(sum(y));
  CHECK(same_bits(x.grad(), y.value()));
  CHECK(dropout(x, 0.0, random).node() == x.node());
  CHECK_THROWS_AS(static_cast<void>(dropout(x, 1.0, random)), ConfigError);
}

}  // namespace
}  // namespace tempera::core
