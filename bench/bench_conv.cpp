// Convolutions of the reference networks, forward and both gradients, direct and by Winograd's algorithms; and poolings.
// items_per_second is FLOP/s of the direct sum, whatever the algorithm. What one thread does stands beside its limit
// (bounds.hpp): the multiply-adds of the direct sum in registers alone, of which Winograd's algorithms save most, so that their
// share may exceed 1.
#include <benchmark/benchmark.h>

#include <array>
#include <functional>
#include <string>

#include "bounds.hpp"
#include "tempera/core/ops/conv2d.hpp"
#include "tempera/core/ops/pair_pool.hpp"
#include "tempera/core/ops/pool2d.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/tensor.hpp"

namespace {

using tempera::core::Conv2dOptions;
using tempera::core::ConvAlgorithm;
using tempera::core::PairPlane;
using tempera::core::Pool2dOptions;
using tempera::core::Shape;
using tempera::core::Tensor;
using tempera::core::Variable;

struct Layer {
  const char* name;
  Shape x, w;
};

// Of lenet and cnn, with the batches of `tempera bench train`, and one channel by channel.
const std::array kLayers{
    Layer{"lenet_conv1", {64, 1, 28, 28}, {20, 1, 5, 5}}, Layer{"lenet_conv2", {64, 20, 12, 12}, {50, 20, 5, 5}},
    Layer{"cnn_conv1", {64, 1, 28, 28}, {32, 1, 3, 3}}, Layer{"cnn_conv2", {64, 32, 26, 26}, {64, 32, 3, 3}},
    Layer{"depthwise", {64, 32, 28, 28}, {32, 1, 3, 3}}};

enum class Pass { kForward, kByInput, kByWeight };

// `work` by itself, and on one thread in turn with its limit.
void run(benchmark::State& state, int threads, const bounds::Work& limit, const std::function<void()>& work) {
  const int before = tempera::core::thread_count();
  tempera::core::set_thread_count(threads);
  const auto once = [&work] {
    work();
    benchmark::ClobberMemory();
  };
  for (auto step : state) once();
  if (threads == 1) bounds::compare_with_limit(state, limit, once);
  tempera::core::set_thread_count(before);
}

// What reads or writes each value of `x` at least once, and multiplies `multiplies` times for it.
bounds::Work reading(const Shape& x, double multiplies) {
  return {.elements = x.numel(), .reads = 1, .multiplies = multiplies};
}

// The gradient function that a graph would call, of the one input that wants a gradient.
void conv(benchmark::State& state, const Layer& layer, Pass pass, ConvAlgorithm algorithm, int threads) {
  const Variable x(Tensor::full(layer.x, 0.5F), pass == Pass::kByInput);
  const Variable w(Tensor::full(layer.w, 0.25F), pass == Pass::kByWeight);
  const Conv2dOptions options{.groups = layer.x[1] / layer.w[1], .algorithm = algorithm};
  const Variable y = conv2d(x, w, {}, options);
  const Tensor dy = Tensor::full(y.shape(), 0.125F);
  const auto products = static_cast<double>(layer.w[1] * layer.w[2] * layer.w[3]);  // of each result
  run(state, threads, reading(y.shape(), products), [&] {
    if (pass == Pass::kForward) {
      benchmark::DoNotOptimize(conv2d(x, w, {}, options));
    } else {
      tempera::core::Gradient gradient(dy);
      benchmark::DoNotOptimize(y.node()->backward(gradient, tempera::core::Needs(*y.node())));
    }
  });
  state.SetItemsProcessed(state.iterations() * 2 * y.shape().numel() * static_cast<std::int64_t>(products));
}

// Max-pooling by 2×2: what reads or writes every pixel.
enum class Pooling { kForward, kGradient, kOnGrid };
void pool_pairs(benchmark::State& state, Pooling what) {
  const std::int64_t planes = state.range(0);
  const PairPlane plane{state.range(1), state.range(1)};
  bounds::Values<float> x(static_cast<std::size_t>(planes * plane.pixels()), 0.5F);
  bounds::Values<float> y(static_cast<std::size_t>(planes * plane.windows())), chosen(y), taken(y);
  run(state, 1, reading({planes, plane.pixels()}, 0), [&] {
    switch (what) {
      case Pooling::kForward:
        return tempera::core::pool_planes(plane, planes, x.data(), y.data(), chosen.data());
      case Pooling::kGradient:
        return tempera::core::spread_planes(plane, planes, y.data(), chosen.data(), x.data());
      case Pooling::kOnGrid:
        for (std::int64_t p = 0; p < planes; ++p) {
          const std::int64_t to = p * plane.windows();
          tempera::core::kernels().pool_pairs_on_grid(plane, {.scale = 0.01F, .low = 0, .high = 255},
                                                      x.data() + p * plane.pixels(), y.data() + to, chosen.data() + to,
                                                      taken.data() + to);
        }
    }
  });
  const std::int64_t written = what == Pooling::kOnGrid ? 3 : 2;  // arrays of windows, or read
  state.SetBytesProcessed(state.iterations() * planes * 4 * (plane.pixels() + written * plane.windows()));
}

// Windows of 3×3 with stride 2, of which no kernel of their own exists.
void pool_windows(benchmark::State& state, bool largest) {
  const Variable x(Tensor::full({64, state.range(0), state.range(1), state.range(1)}, 0.5F));
  const Pool2dOptions options{.size = {3, 3}, .stride = {2, 2}, .padding = {1, 1}};
  run(state, 1, reading(x.shape(), 0),
      [&] { benchmark::DoNotOptimize(largest ? max_pool2d(x, options) : avg_pool2d(x, options)); });
}

void add(const Layer& layer, Pass pass, ConvAlgorithm algorithm, int threads) {
  const std::string passes[] = {"conv_forward/", "conv_by_input/", "conv_by_weight/"};
  const std::string algorithms[] = {"/auto", "/direct", "/winograd_2x2", "/winograd_4x4"};
  const std::string name = passes[static_cast<std::size_t>(pass)] + layer.name +
                           algorithms[static_cast<std::size_t>(algorithm)] + "/threads:" + std::to_string(threads);
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
    conv(state, layer, pass, algorithm, threads);
  })->UseRealTime();
}

[[maybe_unused]] const bool kRegistered = [] {
  for (const int threads : {1, 2}) {
    for (const Layer& layer : kLayers) {
      for (const Pass pass : {Pass::kForward, Pass::kByInput, Pass::kByWeight}) {
        for (const ConvAlgorithm algorithm :
             {ConvAlgorithm::kAuto, ConvAlgorithm::kDirect, ConvAlgorithm::kWinograd2x2, ConvAlgorithm::kWinograd4x4}) {
          const bool minimal = algorithm == ConvAlgorithm::kWinograd2x2 || algorithm == ConvAlgorithm::kWinograd4x4;
          if (minimal && layer.w[2] != 3) continue;
          if (algorithm == ConvAlgorithm::kWinograd2x2 && pass == Pass::kByWeight) continue;  // takes the direct sum
          add(layer, pass, algorithm, threads);
        }
      }
    }
  }
  return true;
}();

}  // namespace

// {planes, height and width}: behind the convolutions of lenet, and of cnn.
BENCHMARK_CAPTURE(pool_pairs, forward, Pooling::kForward)->Args({64 * 20, 24})->Args({64 * 50, 8})->Args({64 * 64, 24});
BENCHMARK_CAPTURE(pool_pairs, gradient, Pooling::kGradient)
    ->Args({64 * 20, 24})
    ->Args({64 * 50, 8})
    ->Args({64 * 64, 24});
BENCHMARK_CAPTURE(pool_pairs, on_grid, Pooling::kOnGrid)->Args({64 * 64, 24});
// {channels, height and width}
BENCHMARK_CAPTURE(pool_windows, largest, true)->Args({16, 28});
BENCHMARK_CAPTURE(pool_windows, mean, false)->Args({16, 28});
