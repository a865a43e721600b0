#include "quant/random_program.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "tempera/quant/program_shapes.hpp"

namespace tempera::quant_test {
namespace {

using namespace quant;

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed), steps_random_(~seed) {}

  Program make() {
    if (chance(30)) {
      program_.input = core::Shape{pick(1, 70)};
    } else {
      program_.input = core::Shape{chance(30) ? 1 : pick(1, 9), pick(1, 11), pick(1, 11)};
    }
    quantize();
    for (std::int64_t n = pick(1, 7); n > 0; --n) step();
    if (chance(50)) {
      reshape();
      linear();
    }
    return std::move(program_);
  }

 private:
  std::int64_t pick(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool chance(int percent) { return pick(1, 100) <= percent; }

  ProgramBuffer& last() { return program_.buffers.back(); }
  int last_index() { return static_cast<int>(program_.buffers.size()) - 1; }

  ProgramBuffer activations(const core::Shape& shape) {
    ProgramBuffer b{.site = "b" + std::to_string(program_.buffers.size()), .shape = shape};
    const auto cell = static_cast<Cell>(chance(85) ? pick(0, 1) : pick(2, 3));
    const bool wide = cell == Cell::kU16 || cell == Cell::kS16;
    b.cell = cell;
    b.bits = static_cast<int>(wide ? pick(9, 16) : pick(2, 8));
    const std::int32_t half = 1 << (b.bits - 1);
    const bool is_signed = cell == Cell::kS8 || cell == Cell::kS16;
    b.low = is_signed ? -half : 0;
    b.high = is_signed ? half - 1 : 2 * half - 1;
    b.zero_point = chance(40) ? std::clamp(0, b.low, b.high) : static_cast<std::int32_t>(pick(b.low, b.high));
    return b;
  }

  void add(program::Operation operation, std::vector<int> inputs, ProgramBuffer output) {
    program_.buffers.push_back(std::move(output));
    program_.instructions.push_back({std::move(operation), "random", std::move(inputs), last_index()});
  }

  void quantize() {
    ProgramBuffer b = activations(program_.input);
    QParams params{.bits = b.bits, .qmin = b.low, .qmax = b.high, .scale = {0.25F}, .zero_point = {b.zero_point}};
    params.rounding = static_cast<Rounding>(chance(60) ? 0 : pick(0, 3));
    add(program::Quantize{params}, {}, std::move(b));
  }

  // Multipliers that spread accumulators of about ±`reach` over the output's range; sometimes far off.
  Requant requant_to(const ProgramBuffer& output, double reach, std::int64_t channels) {
    Requant r{.multipliers = {}, .zero_point = output.zero_point, .low = output.low, .high = output.high};
    r.mode = static_cast<RequantMode>(chance(70) ? 0 : pick(0, 2));
    const double base = (output.high - output.low) / std::max(reach, 1.0);
    for (std::int64_t c = chance(40) ? 1 : channels; c > 0; --c) {
      const double spread = chance(5) ? std::exp2(static_cast<double>(pick(-30, 20))) : 1.0;
      r.multipliers.push_back(multiplier_of(base * spread * static_cast<double>(pick(1, 1000)) / 700));
    }
    // From another sequence of numbers: what a seed gives stays otherwise what it was.
    std::swap(random_, steps_random_);
    if (output.bits <= 8 && chance(25)) r = thresholds_to(output, reach, channels);
    std::swap(random_, steps_random_);
    return r;
  }

  // Thresholds over accumulators of about ±`reach`, some of them equal, some where int32 ends.
  Requant thresholds_to(const ProgramBuffer& output, double reach, std::int64_t channels) {
    Requant r{.multipliers = {}, .zero_point = output.zero_point, .low = output.low, .high = output.high};
    r.thresholds.emplace();
    constexpr std::int32_t kMost = std::numeric_limits<std::int32_t>::max();
    const auto most = static_cast<std::int64_t>(std::clamp(reach, 2.0, 1e9));
    for (std::int64_t c = chance(50) ? 1 : channels; c > 0; --c) {
      std::vector<std::int32_t> rising;
      for (std::int64_t i = 0; i < r.steps(); ++i) {
        const auto t = static_cast<std::int32_t>(pick(-most, most));
        rising.push_back(!chance(4) ? t : chance(50) ? kMost : -kMost - 1);
      }
      std::ranges::sort(rising);
      r.thresholds->values.insert(r.thresholds->values.end(), rising.begin(), rising.end());
    }
    if (chance(50)) {
      r.thresholds->directions.clear();
      for (std::int64_t c = 0; c < channels; ++c) r.thresholds->directions.push_back(chance(50) ? 1 : -1);
    }
    return r;
  }

  ProgramWeight weight(const core::Shape& shape) {
    ProgramWeight w{
        .shape = shape, .bits = static_cast<int>(chance(50) ? 8 : pick(2, 8)), .values = {}, .zero_points = {}};
    const std::int64_t half = std::int64_t{1} << (w.bits - 1);
    const bool extreme = chance(30);
    for (std::int64_t i = shape.numel(); i > 0; --i) {
      w.values.push_back(static_cast<std::int8_t>(extreme ? (chance(50) ? -half : half - 1) : pick(-half, half - 1)));
    }
    if (chance(30)) {
      for (std::int64_t o = 0; o < shape[0]; ++o)
        w.zero_points.push_back(static_cast<std::int32_t>(pick(-half, half - 1)));
    }
    return w;
  }
  std::vector<std::int32_t> bias(std::int64_t count) {
    std::vector<std::int32_t> list;
    for (std::int64_t i = 0; i < count; ++i) list.push_back(static_cast<std::int32_t>(pick(-5000, 5000)));
    return list;
  }
  double reach_of(const ProgramWeight& w) {
    const double per_sum = static_cast<double>(w.values.size()) / static_cast<double>(w.shape[0]);
    return std::sqrt(per_sum) * (last().high - last().low) * std::exp2(w.bits - 2);
  }
  // An accumulator as it is, or requantized.
  template <class Layer>
  void add_layer(Layer layer, const core::Shape& shape) {
    const int input = last_index();
    if (chance(20))
      return add(std::move(layer), {input}, {.site = "acc", .shape = shape, .cell = Cell::kS32, .bits = 32});
    ProgramBuffer output = activations(shape);
    layer.requant = requant_to(output, reach_of(layer.weight), shape[0]);
    add(std::move(layer), {input}, std::move(output));
  }

  void linear() {
    if (last().cell == Cell::kS32) return requantize();
    const std::int64_t out = chance(50) ? pick(1, 12) : pick(13, 70);
    program::Linear l{.weight = weight({out, last().shape[0]}), .bias = bias(out), .requant = {}};
    add_layer(std::move(l), {out});
  }

  void conv() {
    if (last().cell == Cell::kS32) return requantize();
    const core::Shape in = last().shape;
    std::int64_t groups = 1;
    if (chance(30)) groups = in[0];
    if (chance(20) && in[0] % 2 == 0) groups = 2;
    const std::int64_t out = groups * (groups == in[0] && chance(60) ? 1 : pick(1, chance(20) ? 40 : 5));
    program::Conv2d c{.groups = groups};
    std::array<std::int64_t, 2> kernel{}, size{};
    for (int d = 0; d < 2; ++d) {
      const auto i = static_cast<std::size_t>(d);
      kernel[i] = pick(1, 5);
      c.stride[i] = chance(60) ? 1 : pick(1, 3);
      c.padding[i] = chance(50) ? 0 : pick(0, 3);
      c.dilation[i] = chance(75) ? 1 : pick(1, 3);
      size[i] = window_outputs(in[d + 1], kernel[i], c.stride[i], c.padding[i], c.dilation[i]);
      if (size[i] < 1) return;
    }
    c.weight = weight({out, in[0] / groups, kernel[0], kernel[1]});
    c.bias = bias(out);
    add_layer(std::move(c), {out, size[0], size[1]});
  }

  void requantize() {
    ProgramBuffer output = activations(last().shape);
    const double reach = last().cell == Cell::kS32 ? 100000 : last().high - last().low;
    program::Requantize r{requant_to(output, reach, channels_of(output.shape))};
    add(std::move(r), {last_index()}, std::move(output));
  }
  void clamp() {
    ProgramBuffer output = last();
    if (output.cell == Cell::kS32) return add(program::Clamp{-1000, 100000}, {last_index()}, std::move(output));
    program::Clamp c{static_cast<std::int32_t>(pick(output.low, output.high)), 0};
    c.high = static_cast<std::int32_t>(pick(c.low, output.high));
    output.low = c.low;
    output.high = c.high;
    add(c, {last_index()}, std::move(output));
  }
  void lookup() {
    if (last().cell == Cell::kS32) return;
    ProgramBuffer output = activations(last().shape);
    program::Lookup l;
    for (std::int64_t i = last().low; i <= last().high; ++i)
      l.table.push_back(static_cast<std::int32_t>(pick(output.low, output.high)));
    add(std::move(l), {last_index()}, std::move(output));
  }
  void reshape() {
    ProgramBuffer output = last();
    output.shape = core::Shape{output.shape.numel()};
    add(program::Reshape{}, {last_index()}, std::move(output));
  }
  void unflatten() {
    ProgramBuffer output = last();
    for (const std::int64_t c : {6, 4, 3, 2}) {
      if (output.shape[0] % c != 0) continue;
      output.shape = core::Shape{c, 1, output.shape[0] / c};
      return add(program::Reshape{}, {last_index()}, std::move(output));
    }
  }
  void pool() {
    const core::Shape in = last().shape;
    program::MaxPool2d p{};
    std::array<std::int64_t, 2> size{};
    for (int d = 0; d < 2; ++d) {
      const auto i = static_cast<std::size_t>(d);
      p.size[i] = pick(1, 3);
      p.stride[i] = pick(1, 3);
      p.padding[i] = pick(0, p.size[i] - 1);
      size[i] = window_outputs(in[d + 1], p.size[i], p.stride[i], p.padding[i], 1);
      if (size[i] < 1) return;
    }
    ProgramBuffer output = last();
    output.shape = core::Shape{in[0], size[0], size[1]};
    if (chance(50) || output.cell == Cell::kS32) return add(p, {last_index()}, std::move(output));
    add(program::AvgPool2d{p.size, p.stride, p.padding, static_cast<Rounding>(pick(0, 3))}, {last_index()},
        std::move(output));
  }
  void global_pool() {
    if (last().cell == Cell::kS32) return;
    ProgramBuffer output = last();
    output.shape = chance(50) ? core::Shape{output.shape[0]} : core::Shape{output.shape[0], 1, 1};
    add(program::GlobalAvgPool2d{static_cast<Rounding>(pick(0, 3))}, {last_index()}, std::move(output));
  }
  // The sum with what the values become by a requantization of their own.
  void residual() {
    if (last().cell == Cell::kS32) return;
    const int before = last_index();
    requantize();
    ProgramBuffer output = activations(last().shape);
    const auto multipliers = [&] {
      std::vector<std::int64_t> list;
      for (std::int64_t c = chance(50) ? 1 : channels_of(output.shape); c > 0; --c)
        list.push_back(pick(-(1 << 20), 1 << 21));
      return list;
    };
    program::Add a{.multiplier_a = multipliers(),
                   .multiplier_b = multipliers(),
                   .shift = static_cast<std::int32_t>(pick(0, 24)),
                   .zero_point = output.zero_point,
                   .low = output.low,
                   .high = output.high};
    add(std::move(a), {before, last_index()}, std::move(output));
  }
  void concat() {
    if (last().cell == Cell::kS32) return;
    const int before = last_index();
    requantize();
    const core::Shape& s = last().shape;
    const core::Shape shape = s.rank() == 1 ? core::Shape{2 * s[0]} : core::Shape{2 * s[0], s[1], s[2]};
    ProgramBuffer output = last();
    output.shape = shape;
    const std::int64_t channels = s[0];
    program::Concat c{{requant_to(output, 100, channels), {}}};
    add(std::move(c), {before, last_index()}, std::move(output));
  }

  void step() {
    const bool image = last().shape.rank() == 3;
    switch (pick(0, image ? 11 : 6)) {
      case 0:
        return requantize();
      case 1:
        return clamp();
      case 2:
        return last().bits <= 12 ? lookup() : requantize();
      case 3:
        return residual();
      case 4:
        return concat();
      case 5:
        return image ? reshape() : unflatten();
      case 6:
        return image ? pool() : linear();
      case 7:
        return global_pool();
      case 8:
        return pool();
      default:
        return conv();
    }
  }

  std::mt19937_64 random_, steps_random_;
  Program program_;
};

}  // namespace

Program random_program(std::uint64_t seed) { return Generator(seed).make(); }

core::Tensor random_samples(const Program& program, std::int64_t batch, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  core::Tensor x(program.input.with_batch(batch));
  const QParams& params = std::get<program::Quantize>(program.instructions[0].operation).params;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::array<double, 5> special{std::nan(""), kInfinity, -kInfinity, 1e30, 0};
  for (Scalar& value : x.mutable_values()) {
    const auto q =
        static_cast<double>(params.qmin) + static_cast<double>(random() % 1024) / 1023 * (params.qmax - params.qmin);
    const double halves = std::round(2 * (q - params.zero_point[0])) / 2;  // every other one is a tie
    value = static_cast<Scalar>(random() % 50 == 0 ? special[random() % 5] : halves * params.scale[0]);
  }
  return x;
}

}  // namespace tempera::quant_test
