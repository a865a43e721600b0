// Products in bf16. Oracles: PyTorch's conversions and sums (tests/golden/bf16.json, made by tests/golden/make_bf16.py), and
// closed forms with numbers of which bfloat16 keeps a known part.
#include "tempera/core/precision.hpp"

#include <fstream>
#include <thread>

#include "core/golden.hpp"
#include "tempera/core/ops/activations.hpp"
#include "tempera/core/ops/conv2d.hpp"
#include "tempera/core/ops/elementwise.hpp"
#include "tempera/core/ops/layout.hpp"
#include "tempera/core/ops/matmul.hpp"
#include "tempera/core/ops/reduce.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/random.hpp"

namespace tempera::core {
namespace {

using golden_test::Json;
using golden_test::Variables;

std::array<std::int64_t, 2> pair(const Json& options, const char* name) { return options.at(name); }

Variable run_linear(const Variables& in, const Json& o, const Json&) {
  const PrecisionScope bf16(Precision::kBf16);
  return linear(in[0], in[1], in.size() > 2 ? in[2] : Variable(), o.at("relu").get<bool>());
}

Variable run_matmul(const Variables& in, const Json& o, const Json&) {
  const PrecisionScope bf16(Precision::kBf16);
  return matmul(in[0], in[1], {.a = o.at("transpose_a").get<bool>(), .b = o.at("transpose_b").get<bool>()});
}

Variable run_conv2d(const Variables& in, const Json& o, const Json&) {
  const PrecisionScope bf16(Precision::kBf16);
  return conv2d(in[0], in[1], in.size() > 2 ? in[2] : Variable(),
                {.stride = pair(o, "stride"),
                 .padding = pair(o, "padding"),
                 .dilation = pair(o, "dilation"),
                 .groups = o.at("groups"),
                 .relu = o.at("relu")});
}

const golden_test::Operations& operations() {
  static const golden_test::Operations all{{"linear", run_linear}, {"matmul", run_matmul}, {"conv2d", run_conv2d}};
  return all;
}

Tensor random_tensor(const Shape& shape, std::uint64_t seed) {
  Tensor x(shape);
  Random(seed, "precision").fill_uniform(x.mutable_values(), -1, 1);
  return x;
}

constexpr Scalar kLost = 0x1p-9;  // beside 1: less than half a step of bfloat16, which is 2^−8

TEST_CASE("values and gradients of bf16 products equal PyTorch's on operands that it rounded") {
  golden_test::check_file("bf16.json", operations());
}

TEST_CASE("a bf16 product, rounded once more, is that of PyTorch's bfloat16 operations within one step") {
  std::ifstream file(TEMPERA_SOURCE_DIR "/tests/golden/bf16.json");
  const Json golden = Json::parse(file);
  for (const Json& c : golden.at("cases")) {
    Json plain = c.at("options");
    plain["relu"] = false;
    const Variables inputs{Variable(golden_test::tensor(c.at("inputs")[0])),
                           Variable(golden_test::tensor(c.at("inputs")[1]))};
    const Tensor y = operations().at(c.at("op"))(inputs, plain, {}).value();
    // Its result is rounded to 2^−8 of itself; sums in another order differ by far less.
    CHECK(golden_test::worst_difference(y, c.at("torch_bf16")) < 0x1.1p-8);
  }
}

TEST_CASE("what bfloat16 cannot hold beside 1 is lost to a product, but not to bias, sum or activation") {
  const PrecisionScope bf16(Precision::kBf16);
  const Variable x(Tensor({1, 2}, {1 + kLost, 3}), true), w(Tensor({1, 2}, {1 - kLost / 2, 1}), true);
  const Variable bias(Tensor({1}, {kLost}), true);
  const Variable y = linear(x, w, bias);
  CHECK(y.value().item() == 4 + kLost);  // 1·1 + 3·1 + bias
  backward(y, Tensor({1, 1}, {1 + kLost}));
  CHECK(x.grad().data()[0] == 1);
  CHECK(w.grad().data()[0] == 1);
  CHECK(w.grad().data()[1] == 3);
  CHECK(bias.grad().item() == 1 + kLost);
  CHECK(relu(x).value().data()[0] == 1 + kLost);
  CHECK(sum(x).value().item() == 4 + kLost);
}

TEST_CASE("a convolution's bias gets the gradient as it is, its products the rounded one, depthwise or not") {
  for (const std::int64_t groups : {1, 2}) {
    const PrecisionScope bf16(Precision::kBf16);
    const std::int64_t inputs = 2 / groups;
    const Variable x(Tensor::full({1, 2, 1, 1}, 1 + kLost), true), w(Tensor::full({2, inputs, 1, 1}, 1), true);
    const Variable bias(Tensor({2}, {kLost, kLost}), true);
    const Variable y = conv2d(x, w, bias, {.groups = groups, .relu = true});
    const auto terms = static_cast<Scalar>(inputs);
    CHECK(y.value().data()[0] == terms + kLost);
    backward(y, Tensor::full(y.shape(), 1 + kLost));
    CHECK(x.grad().data()[0] == terms);
    CHECK(w.grad().data()[0] == 1);
    CHECK(bias.grad().data()[1] == 1 + kLost);
  }
}

TEST_CASE("the precision is that of the innermost scope on this thread, and a gradient's that of its operation") {
  CHECK(precision() == Precision::kFloat32);
  const Variable x(Tensor({1, 1}, {1 + kLost}), true), w(Tensor({1, 1}, {1}), true);
  Variable inside, outside;
  {
    const PrecisionScope bf16(Precision::kBf16);
    {
      const PrecisionScope plain(Precision::kFloat32);
      outside = linear(x, w);
    }
    inside = linear(x, w);
    CHECK(precision() == Precision::kBf16);
    Precision elsewhere = Precision::kBf16;
    std::thread([&] { elsewhere = precision(); }).join();
    CHECK(elsewhere == Precision::kFloat32);
  }
  CHECK(precision() == Precision::kFloat32);
  CHECK(inside.value().item() == 1);
  CHECK(outside.value().item() == 1 + kLost);
  backward(inside);  // outside of its scope
  CHECK(w.grad().item() == 1);
  w.zero_grad();
  const PrecisionScope bf16(Precision::kBf16);
  backward(outside);
  CHECK(w.grad().item() == 1 + kLost);
}

TEST_CASE("bf16 products and their gradients are the same bits for every number of threads") {
  const int before = thread_count();
  const auto step = [](int threads) {
    set_thread_count(threads);
    const PrecisionScope bf16(Precision::kBf16);
    const Variable x(random_tensor({70, 3, 12, 12}, 1)), kernel(random_tensor({40, 3, 3, 3}, 2), true);
    const Variable w(random_tensor({90, 4000}, 3), true), offsets(random_tensor({90}, 4), true);
    const Variable features = reshape(conv2d(x, kernel, {}, {.relu = true}), {70, 4000});
    backward(mean(square(linear(features, w, offsets, true))));
    std::vector<Scalar> all;
    for (const Variable* p : {&kernel, &w, &offsets}) {
      all.insert(all.end(), p->grad().values().begin(), p->grad().values().end());
    }
    return all;
  };
  const std::vector<Scalar> one = step(1);
  for (const int threads : {2, 3, 7}) CHECK(step(threads) == one);
  set_thread_count(before);
}

TEST_CASE("products with nothing to add up are their bias in bf16, too") {
  const PrecisionScope bf16(Precision::kBf16);
  const Variable y = linear(Variable(Tensor({2, 0})), Variable(Tensor({3, 0})), Variable(Tensor({3}, {1, kLost, -1})));
  CHECK(y.value().data()[4] == kLost);
  CHECK(linear(Variable(Tensor({0, 4})), Variable(random_tensor({3, 4}, 1))).shape() == Shape{0, 3});
}

TEST_CASE("operands are rounded for bf16 and the very same tensor for float32") {
  const Tensor x({2}, {1 + kLost, 5});
  CHECK(as_operand(x, Precision::kFloat32).shares_storage(x));
  CHECK(as_operand(x, Precision::kBf16).data()[0] == 1);
  CHECK(x.data()[0] == 1 + kLost);
  CHECK(precision_name(Precision::kFloat32) == "float32");
  CHECK(precision_name(Precision::kBf16) == "bf16");
}

}  // namespace
}  // namespace tempera::core
