// Values and gradients that are made when they are asked for. Oracle: the same operations on what is there.
#include "tempera/core/lazy_tensor.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <vector>

#include "tempera/core/gemm.hpp"
#include "tempera/core/ops/activations.hpp"
#include "tempera/core/ops/conv2d.hpp"
#include "tempera/core/ops/elementwise.hpp"
#include "tempera/core/ops/matmul.hpp"
#include "tempera/core/ops/pair_pool.hpp"
#include "tempera/core/ops/pool2d.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/precision.hpp"
#include "tempera/core/random.hpp"
#include "tempera/core/scaled_bytes.hpp"
#include "tempera/core/variable.hpp"

namespace tempera::core {
namespace {

Tensor normal(const Shape& shape, std::string_view stream) {
  Tensor result(shape);
  Random(17, stream).fill_normal(result.mutable_values(), 0, 1);
  return result;
}

std::vector<Scalar> numbers(const Tensor& x) { return {x.values().begin(), x.values().end()}; }

// Bytes of [rows, columns] and the floats that they stand for, each by its own way.
struct Bytes {
  std::shared_ptr<ScaledBytes> bytes;
  Tensor floats;
  Bytes(std::int64_t rows, std::int64_t columns)
      : bytes(std::make_shared<ScaledBytes>(rows, columns)), floats({rows, columns}) {
    const Random random(3, "bytes");
    for (std::int64_t r = 0; r < rows; ++r) {
      bytes->scales()[r] = static_cast<Scalar>(0.001 * static_cast<double>(r + 1));
      for (std::int64_t c = 0; c < columns; ++c) {
        const std::int64_t i = r * columns + c;
        const auto q = static_cast<int>(random.uniform(static_cast<std::uint64_t>(i)) * 255) - 127;
        bytes->bytes()[i] = static_cast<std::int8_t>(q);
        floats.mutable_data()[i] = static_cast<Scalar>(q) * bytes->scales()[r];
      }
    }
  }
};

TEST_CASE("bytes become the floats that they stand for when they are asked for, once") {
  const Bytes b(37, 41);
  LazyTensor lazy(b.bytes);
  CHECK(lazy.shape() == Shape{37, 41});
  CHECK(!lazy.empty());
  REQUIRE(lazy.deferred() == b.bytes.get());
  CHECK(numbers(lazy.made()) == numbers(b.floats));
  CHECK(lazy.deferred() == nullptr);
  CHECK(lazy.made().data() == lazy.made().data());
  CHECK(LazyTensor().empty());
}

// linear(x, w) and all gradients, of a weight as it is or as bytes that an operation made of a parameter.
struct Products {
  std::vector<Scalar> y, dx, dw;
  bool made;  // floats of the weight

  Products(const Bytes& b, bool as_bytes, std::int64_t batch) {
    const Variable parameter(Tensor::zeros(b.floats.shape()), true);
    const Variable x(normal({batch, b.floats.dim(1)}, "x"), true);
    const Variable w =
        record_straight_through("test", as_bytes ? LazyTensor(b.bytes) : LazyTensor(b.floats), parameter);
    const Variable result = linear(x, w, Variable(normal({b.floats.dim(0)}, "bias")), true);
    y = numbers(result.value());
    backward(result, normal(result.shape(), "dy"));
    dx = numbers(x.grad());
    dw = numbers(parameter.grad());
    made = w.lazy_value().deferred() == nullptr;
  }
};

TEST_CASE("a linear layer gives the same bits of a weight in bytes, packs it or not, with any number of threads") {
  const int before = thread_count();
  for (const auto& [out, in] :
       {std::pair<std::int64_t, std::int64_t>{128, 784}, {300, 333}, {1200, 40}, {10, 128}, {1, 9}}) {
    const Bytes b(out, in);
    for (const std::int64_t batch : {1, 4, 33, 64, 200}) {
      for (const int threads : {1, 3}) {
        CAPTURE(out);
        CAPTURE(batch);
        set_thread_count(threads);
        const Products floats(b, false, batch), bytes(b, true, batch);
        CHECK(bytes.y == floats.y);
        CHECK(bytes.dx == floats.dx);
        CHECK(bytes.dw == floats.dw);
        if (out == 128 && batch == 64) CHECK(!bytes.made);
      }
    }
  }
  set_thread_count(before);
}

TEST_CASE("a product of bytes packs its last rows, too, where there are too few for floats") {
  const Bytes b(2100, 2000);  // more than is packed as a whole
  // Chunks of rows depend on the level: at AVX-512's the last of 4300 is so short, which would take the others too long.
  const std::vector<std::int64_t> heights =
      kernels().gemm_nr == 32 ? std::vector<std::int64_t>{4300} : std::vector<std::int64_t>{300, 800};
  for (const std::int64_t m : heights) {
    CAPTURE(m);
    const Tensor a = normal({m, 2100}, "a");
    Tensor of_bytes({m, 2000}), of_floats({m, 2000});
    Gemm product{.m = m, .n = 2000, .k = 2100, .a = a.data(), .lda = 2100, .ldb = 2000, .ldc = 2000};
    REQUIRE(packs_b(product));
    product.b = b.floats.data();
    product.c = of_floats.mutable_data();
    gemm(product);
    product.b = nullptr;
    product.b_bytes = b.bytes.get();
    product.c = of_bytes.mutable_data();
    gemm(product);
    CHECK(numbers(of_bytes) == numbers(of_floats));
  }
}

TEST_CASE("whoever has no use for bytes finds floats") {
  const Bytes b(70, 50);
  const Variable w = record_straight_through("test", LazyTensor(b.bytes), Variable(b.floats, true));
  CHECK(w.shape() == Shape{70, 50});
  CHECK(numbers(mul(w, w).value()) == numbers(mul(Variable(b.floats), Variable(b.floats)).value()));
  CHECK(numbers(w.value()) == numbers(b.floats));
  const Variable other = record_straight_through("test", LazyTensor(b.bytes), Variable(b.floats, true));
  CHECK(first_nonfinite(other).empty());
}

TEST_CASE("B in bytes is packed once for many products, by the same bits") {
  const Bytes b(100, 64);
  const Tensor a = normal({150, 64}, "a");
  for (const bool as_bytes : {false, true}) {
    Tensor c({150, 100}), packed({150, 100});
    Gemm product{.m = 150,
                 .n = 100,
                 .k = 64,
                 .a = a.data(),
                 .lda = 64,
                 .ldb = 64,
                 .transpose_b = true,
                 .c = c.mutable_data(),
                 .ldc = 100};
    if (as_bytes) {
      product.b_bytes = b.bytes.get();
    } else {
      product.b = b.floats.data();
    }
    REQUIRE(packs_b(product));
    gemm(product);
    const PackedB panels(product);
    product.packed_b = &panels;
    product.c = packed.mutable_data();
    gemm(product);
    CHECK(numbers(packed) == numbers(c));
    double worst = 0;
    for (std::int64_t i = 0; i < 150; ++i) {
      for (std::int64_t j = 0; j < 100; ++j) {
        double sum = 0;
        for (std::int64_t p = 0; p < 64; ++p) {
          sum += static_cast<double>(a.data()[i * 64 + p]) * static_cast<double>(b.floats.data()[j * 64 + p]);
        }
        worst = std::max(worst, std::abs(sum - static_cast<double>(c.data()[i * 100 + j])));
      }
    }
    CHECK(worst < 1e-4);
  }
}

// Gradients of conv2d, with or without relu, behind which max_pool2d by pairs gives a gradient that is not spread.
std::vector<std::vector<Scalar>> conv_gradients(const Shape& images, bool relu, bool deferred,
                                                ConvAlgorithm algorithm) {
  const Variable x(normal(images, "images"), true), w(normal({6, images[1], 3, 3}, "filters"), true);
  const Variable bias(normal({6}, "bias"), true);
  const Variable y = conv2d(x, w, bias, {.relu = relu, .algorithm = algorithm});
  // Addition asks for the gradient of its sum, and so makes it.
  const Variable z = deferred ? y : add(y, Variable(Tensor::zeros(y.shape())));
  const Variable pooled = max_pool2d(z);
  backward(pooled, normal(pooled.shape(), "dy"));
  return {numbers(x.grad()), numbers(w.grad()), numbers(bias.grad())};
}

TEST_CASE("a convolution gives the same gradients of a pooling's that is not spread") {
  for (const Shape& images : {Shape{3, 2, 12, 12}, Shape{2, 3, 9, 11}, Shape{5, 16, 14, 14}}) {
    for (const bool relu : {false, true}) {
      for (const ConvAlgorithm algorithm : {ConvAlgorithm::kDirect, ConvAlgorithm::kWinograd4x4}) {
        for (const Precision precision : {Precision::kFloat32, Precision::kBf16}) {
          CAPTURE(relu);
          CAPTURE(precision_name(precision));
          const PrecisionScope scope(precision);
          CHECK(conv_gradients(images, relu, true, algorithm) == conv_gradients(images, relu, false, algorithm));
        }
      }
    }
  }
}

TEST_CASE("a pooling's gradient is not spread until it is asked for") {
  const Variable x(normal({2, 3, 6, 5}, "pixels"), true);
  const Variable pooled = max_pool2d(x);
  const Tensor dy = normal(pooled.shape(), "dy");
  backward(pooled, dy);
  const auto* pairs = dynamic_cast<const PairGradient*>(x.deferred_grad());
  REQUIRE(pairs != nullptr);
  CHECK(numbers(pairs->dy()) == numbers(dy));
  CHECK(x.grad().shape() == x.shape());
  CHECK(x.deferred_grad() == nullptr);
}

TEST_CASE("a gradient that is not spread knows the chosen pixels of what was pooled, and of nothing else") {
  const Tensor x = normal({2, 3, 6, 5}, "pixels"), other = normal({2, 3, 6, 5}, "pixels");
  const PairPool pool = pool_pairs(x);
  const PairGradient known(normal(pool.y.shape(), "dy"), pool.chosen, x.shape(), x, pool.y);
  REQUIRE(known.taken_of(x) != nullptr);
  CHECK(known.taken_of(x)->data() == pool.y.data());
  CHECK(known.taken_of(other) == nullptr);
  const PairGradient unknown(normal(pool.y.shape(), "dy"), pool.chosen, x.shape());
  CHECK(unknown.taken_of(x) == nullptr);
  CHECK(unknown.taken_of(Tensor()) == nullptr);
}

}  // namespace
}  // namespace tempera::core
