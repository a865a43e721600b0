#include "tempera/quant/program.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tempera/core/errors.hpp"
#include "tempera/quant/program_shapes.hpp"

namespace tempera::quant {
namespace {

constexpr std::int64_t kLargest = std::numeric_limits<std::int32_t>::max();

struct Limits {
  std::int64_t low, high;
};

Limits limits_of(Cell cell) {
  switch (cell) {
    case Cell::kU8:
      return {0, 255};
    case Cell::kS8:
      return {-128, 127};
    case Cell::kU16:
      return {0, 65535};
    case Cell::kS16:
      return {-32768, 32767};
    case Cell::kS32:
      break;
  }
  return {-kLargest - 1, kLargest};
}

// What values of a buffer lie in.
Limits range_of(const ProgramBuffer& buffer) {
  return buffer.cell == Cell::kS32 ? limits_of(Cell::kS32) : Limits{buffer.low, buffer.high};
}

// The largest |q − zero point|.
std::int64_t reach_of(const ProgramBuffer& buffer) {
  const Limits range = range_of(buffer);
  return std::max(std::abs(range.low - buffer.zero_point), std::abs(range.high - buffer.zero_point));
}

class Checker {
 public:
  explicit Checker(const Program& program) : program_(program), written_(program.buffers.size()) {}

  void run() {
    for (const ProgramBuffer& buffer : program_.buffers) check_buffer(buffer);
    where_ = "program";
    require(!program_.instructions.empty(), "has no instructions");
    for (std::size_t i = 0; i < program_.instructions.size(); ++i) check_instruction(i);
  }

 private:
  [[noreturn]] void fail(const std::string& rule) const { throw core::Error(where_ + ": " + rule); }
  void require(bool holds, const char* rule) const {
    if (!holds) fail(rule);
  }

  void check_buffer(const ProgramBuffer& b) {
    where_ = fmt::format("buffer \"{}\"", b.site);
    // A batch of samples has one axis more.
    if (b.shape.rank() >= core::Shape::kMaxRank) {
      fail(fmt::format("must have at most {} axes, has {}", core::Shape::kMaxRank - 1, b.shape.text()));
    }
    std::int64_t cells = 1;
    for (const std::int64_t extent : b.shape.extents()) {
      require(extent >= 1 && extent <= kLargest, "every extent must be from 1 to 2^31 − 1");
      cells *= extent;  // below 2^62
      require(cells <= kLargest, "must hold fewer than 2^31 values");
    }
    const Limits limits = limits_of(b.cell);
    require(b.zero_point >= limits.low && b.zero_point <= limits.high, "the zero point must be a value of its cells");
    if (b.cell == Cell::kS32) {
      require(b.zero_point == 0, "accumulators must have zero point 0");
    } else {
      require(b.bits >= 2 && b.bits <= (b.cell == Cell::kU8 || b.cell == Cell::kS8 ? 8 : 16),
              "bits must be from 2 to the width of its cells");
      require(b.low <= b.high && b.low >= limits.low && b.high <= limits.high,
              "low ≤ high must be values of its cells");
    }
    require(b.scale.size() == 1 || b.scale.size() == static_cast<std::size_t>(channels_of(b.shape)),
            "must have one scale, or one for each channel");
    require(std::ranges::all_of(b.scale, [](float s) { return std::isfinite(s) && s > 0; }),
            "scales must be finite and above 0");
  }

  void check_instruction(std::size_t position) {
    const Instruction& in = program_.instructions[position];
    where_ = fmt::format("instruction {} ({})", position, in.layer);
    inputs_.clear();
    for (const int input : in.inputs) {
      require(
          input >= 0 && static_cast<std::size_t>(input) < written_.size() && written_[static_cast<std::size_t>(input)],
          "reads a buffer that no earlier instruction has written");
      inputs_.push_back(&program_.buffers[static_cast<std::size_t>(input)]);
    }
    require(in.output >= 0 && static_cast<std::size_t>(in.output) < written_.size(),
            "writes a buffer that does not exist");
    require(!written_[static_cast<std::size_t>(in.output)], "writes a buffer that has been written before");
    output_ = &program_.buffers[static_cast<std::size_t>(in.output)];
    std::visit([this](const auto& operation) { check_operation(operation); }, in.operation);
    written_[static_cast<std::size_t>(in.output)] = true;
  }

  void require_inputs(std::size_t count) const {
    if (inputs_.size() != count) fail(fmt::format("takes {} inputs, has {}", count, inputs_.size()));
  }
  void require_shape(const core::Shape& shape) const {
    if (!(output_->shape == shape))
      fail(fmt::format("gives {}, its buffer has {}", shape.text(), output_->shape.text()));
  }
  void require_range(Limits values) const {
    const Limits range = range_of(*output_);
    if (values.low > values.high || values.low < range.low || values.high > range.high) {
      fail(fmt::format("gives values of [{}, {}], its buffer holds [{}, {}]", values.low, values.high, range.low,
                       range.high));
    }
  }
  void require_same_grid(const ProgramBuffer& input) const {
    require(input.zero_point == output_->zero_point && input.scale == output_->scale,
            "passes values on, so both buffers must have the same scale and zero point");
  }
  void require_same_width(const ProgramBuffer& input) const {
    require((input.cell == Cell::kS32) == (output_->cell == Cell::kS32),
            "pools activations to activations and accumulators to accumulators");
  }
  [[nodiscard]] const ProgramBuffer& only_input() const {
    require_inputs(1);
    return *inputs_[0];
  }
  [[nodiscard]] const ProgramBuffer& image_input() const {
    const ProgramBuffer& input = only_input();
    if (input.shape.rank() != 3) fail("takes [channels, height, width], received " + input.shape.text());
    return input;
  }
  void require_per_channel(std::size_t count, const char* what, const core::Shape& shape) const {
    if (count == 1 || count == static_cast<std::size_t>(channels_of(shape))) return;
    fail(fmt::format("has {} {}, needs 1 or one for each channel", count, what));
  }

  void check_requant(const Requant& requant, const core::Shape& shape) const {
    if (requant.thresholds) return check_thresholds(*requant.thresholds, requant, shape);
    require_per_channel(requant.multipliers.size(), "multipliers", shape);
    for (const Multiplier& m : requant.multipliers) {
      if (m.multiplier < 1 << 30 || m.shift < kSmallestShift || m.shift > kLargestShift || !std::isfinite(m.real) ||
          m.real < 0) {
        fail(fmt::format("multiplier {}·2^(−31−{}) is out of range", m.multiplier, m.shift));
      }
    }
    require(static_cast<int>(requant.mode) >= 0 && static_cast<int>(requant.mode) <= 2, "has no such requant mode");
    require(requant.zero_point == output_->zero_point, "its zero point must be that of its buffer");
    require_range({requant.low, requant.high});
  }

  void check_thresholds(const Thresholds& thresholds, const Requant& requant, const core::Shape& shape) const {
    require(requant.multipliers.empty(), "has multipliers and thresholds, which exclude each other");
    require(requant.zero_point == output_->zero_point, "its zero point must be that of its buffer");
    require_range({requant.low, requant.high});
    const std::string fault = fault_of(thresholds, requant.steps(), channels_of(shape));
    if (!fault.empty()) fail(fault);
  }

  // Σ |x − zero_x|·|w − zero_w| + |bias| bounds every partial sum, in whatever order.
  void check_weight(const ProgramWeight& w, const std::vector<std::int32_t>& bias, const ProgramBuffer& input) const {
    require(w.bits >= 2 && w.bits <= 8, "weights must have from 2 to 8 bits");
    require(input.cell != Cell::kS32, "takes activations of up to 16 bits, not accumulators");
    for (const std::int64_t extent : w.shape.extents())
      require(extent >= 1 && extent <= kLargest, "weight extents must be at least 1");
    const auto out = static_cast<std::size_t>(w.shape[0]);
    require(w.values.size() % out == 0 && !w.values.empty() &&
                w.shape.numel() == static_cast<std::int64_t>(w.values.size()),
            "the weight must have as many values as its shape");
    require(bias.size() == out, "must have a bias for each output channel");
    require(w.zero_points.empty() || w.zero_points.size() == out,
            "must have a zero point for each output channel, or none");
    const std::int32_t half = 1 << (w.bits - 1);
    const auto fits = [half](std::int32_t q) { return q >= -half && q < half; };
    require(std::ranges::all_of(w.values, fits), "weights must fit their bits");
    require(std::ranges::all_of(w.zero_points, fits), "zero points of weights must fit their bits");
    const std::size_t row = w.values.size() / out;
    const std::int64_t reach = reach_of(input);
    for (std::size_t o = 0; o < out; ++o) {
      std::int64_t sum = 0;
      const std::int32_t zero = w.zero_points.empty() ? 0 : w.zero_points[o];
      for (std::size_t i = 0; i < row; ++i) sum += std::abs(w.values[o * row + i] - zero);
      const std::int64_t bound = reach * sum + std::abs(static_cast<std::int64_t>(bias[o]));
      if (bound <= kLargest) continue;
      throw core::UnsupportedError(where_, fmt::format("the accumulator of channel {} may reach {}, beyond int32 "
                                                       "(inputs up to ±{}, Σ|weight| = {}, bias {})",
                                                       o, bound, reach, sum, bias[o]));
    }
  }
  void check_result(const std::optional<Requant>& requant) const {
    if (!requant) return require(output_->cell == Cell::kS32, "gives accumulators, which need a buffer of int32");
    check_requant(*requant, output_->shape);
  }

  [[nodiscard]] core::Shape pooled(const ProgramBuffer& input, const std::array<std::int64_t, 2>& size,
                                   const std::array<std::int64_t, 2>& stride,
                                   const std::array<std::int64_t, 2>& padding) const {
    for (std::size_t d = 0; d < 2; ++d) {
      require(size[d] >= 1 && size[d] <= 65535 && stride[d] >= 1 && stride[d] <= 65535,
              "size and stride must be from 1 to 65535");
      require(padding[d] >= 0 && padding[d] < size[d], "padding must be less than the window");
    }
    return {input.shape[0], window_outputs(input.shape[1], size[0], stride[0], padding[0], 1),
            window_outputs(input.shape[2], size[1], stride[1], padding[1], 1)};
  }

  void check_operation(const program::Quantize& q) const {
    require_inputs(0);
    require_shape(program_.input);
    require(q.params.thresholds.empty(), "samples are rounded, they take no thresholds");
    require(q.params.scale.size() == 1 && q.params.zero_point.size() == 1, "samples have one scale and one zero point");
    require(std::isfinite(q.params.scale[0]) && q.params.scale[0] > 0, "the scale must be finite and above 0");
    require(static_cast<int>(q.params.rounding) >= 0 && static_cast<int>(q.params.rounding) <= 4,
            "has no such rounding");
    require(q.params.zero_point[0] == output_->zero_point, "its zero point must be that of its buffer");
    require(q.params.zero_point[0] >= q.params.qmin && q.params.zero_point[0] <= q.params.qmax,
            "the zero point must lie in its range");
    require_range({q.params.qmin, q.params.qmax});
  }
  void check_operation(const program::Linear& l) const {
    const ProgramBuffer& input = only_input();
    require(l.weight.shape.rank() == 2 && input.shape == core::Shape{l.weight.shape[1]},
            "takes as many values as its weight has columns");
    check_weight(l.weight, l.bias, input);
    require_shape({l.weight.shape[0]});
    check_result(l.requant);
  }
  void check_operation(const program::Conv2d& c) const {
    const ProgramBuffer& input = image_input();
    const core::Shape& w = c.weight.shape;
    require(w.rank() == 4 && c.groups >= 1 && c.groups <= kLargest,
            "needs a weight [out, in/groups, kh, kw] and groups ≥ 1");
    check_weight(c.weight, c.bias, input);
    require(w[1] <= kLargest / c.groups && w[1] * c.groups == input.shape[0] && w[0] % c.groups == 0,
            "channels must be divided evenly by its groups");
    std::array<std::int64_t, 2> out{};
    for (std::size_t d = 0; d < 2; ++d) {
      const std::int64_t kernel = w[static_cast<int>(d) + 2];
      require(c.stride[d] >= 1 && c.stride[d] <= 65535 && c.dilation[d] >= 1 && c.dilation[d] <= 65535 &&
                  c.padding[d] >= 0 && c.padding[d] <= 65535 && kernel <= 65535,
              "stride, dilation and kernel must be from 1, padding from 0, to 65535");
      out[d] = window_outputs(input.shape[static_cast<int>(d) + 1], kernel, c.stride[d], c.padding[d], c.dilation[d]);
    }
    require_shape({w[0], out[0], out[1]});
    const auto side = [&](int d) { return static_cast<double>(input.shape[d + 1] + 2 * c.padding[d]); };
    require(static_cast<double>(input.shape[0]) * side(0) * side(1) <= static_cast<double>(kLargest),
            "the padded image must hold fewer than 2^31 values");
    check_result(c.requant);
  }
  void check_operation(const program::Requantize& r) const {
    require_shape(only_input().shape);
    check_requant(r.requant, output_->shape);
  }
  void check_operation(const program::Clamp& c) const {
    require_shape(only_input().shape);
    require_same_grid(*inputs_[0]);
    require_range({c.low, c.high});
  }
  void check_operation(const program::MaxPool2d& p) const {
    const ProgramBuffer& input = image_input();
    require_shape(pooled(input, p.size, p.stride, p.padding));
    require_same_grid(input);
    require_same_width(input);
    require_range(range_of(input));
  }
  void check_operation(const program::AvgPool2d& p) const {
    const ProgramBuffer& input = image_input();
    require_shape(pooled(input, p.size, p.stride, p.padding));
    check_average(input, p.rounding);
  }
  void check_operation(const program::GlobalAvgPool2d& p) const {
    const ProgramBuffer& input = image_input();
    const core::Shape flat{input.shape[0]}, image{input.shape[0], 1, 1};
    require(output_->shape == flat || output_->shape == image, "gives one value for each channel");
    check_average(input, p.rounding);
  }
  void check_average(const ProgramBuffer& input, Rounding rounding) const {
    require(static_cast<int>(rounding) >= 0 && rounding < Rounding::kStochastic, "averages cannot be rounded so");
    require(input.cell != Cell::kS32, "averages activations, not accumulators");
    require_same_grid(input);
    require_same_width(input);
    require_range(range_of(input));
  }
  void check_operation(const program::Add& a) const {
    require_inputs(2);
    require_shape(inputs_[0]->shape);
    require_shape(inputs_[1]->shape);
    require_per_channel(a.multiplier_a.size(), "multipliers of its first input", output_->shape);
    require_per_channel(a.multiplier_b.size(), "multipliers of its second input", output_->shape);
    require(a.shift >= 0 && a.shift <= 62, "the shift must be from 0 to 62");
    const auto largest = [](const std::vector<std::int64_t>& m, const ProgramBuffer& input) {
      double most = 0;
      for (const std::int64_t x : m) most = std::max(most, std::abs(static_cast<double>(x)));
      return most * static_cast<double>(reach_of(input));
    };
    require(largest(a.multiplier_a, *inputs_[0]) + largest(a.multiplier_b, *inputs_[1]) < std::ldexp(0.999, 62),
            "the sum of its products must stay below 2^62");
    require(a.zero_point == output_->zero_point, "its zero point must be that of its buffer");
    require_range({a.low, a.high});
  }
  void check_operation(const program::Concat& c) const {
    require(!inputs_.empty() && c.requants.size() == inputs_.size(),
            "takes as many inputs as it has requantizations, at least one");
    std::int64_t channels = 0;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const core::Shape& shape = inputs_[i]->shape;
      require(shape.rank() == output_->shape.rank() && shape.rank() >= 1, "inputs and output must have the same rank");
      require(std::ranges::equal(shape.extents().subspan(1), output_->shape.extents().subspan(1)),
              "inputs must agree in every axis but the first");
      channels += shape[0];
      const std::optional<Requant>& requant = c.requants[i];
      if (!requant) {
        require_same_grid(*inputs_[i]);
        require_range(range_of(*inputs_[i]));
        continue;
      }
      check_requant(*requant, shape);
    }
    require(channels == output_->shape[0], "gives as many channels as its inputs have together");
  }
  void check_operation(const program::Reshape&) const {
    const ProgramBuffer& input = only_input();
    require(input.shape.numel() == output_->shape.numel(), "must keep the number of values");
    // Accumulators may have a scale for each channel, and channels are others under another shape.
    if (input.cell != Cell::kS32 || input.scale.size() == 1) require_same_grid(input);
    require_range(range_of(input));
  }
  void check_operation(const program::Lookup& l) const {
    const ProgramBuffer& input = only_input();
    require_shape(input.shape);
    require(input.cell != Cell::kS32, "takes activations, not accumulators");
    require(l.table.size() == static_cast<std::size_t>(static_cast<std::int64_t>(input.high) - input.low + 1),
            "the table must have an entry for each value of its input");
    const auto [low, high] = std::ranges::minmax(l.table);
    require_range({low, high});
  }

  const Program& program_;
  std::vector<bool> written_;
  std::string where_;
  std::vector<const ProgramBuffer*> inputs_;
  const ProgramBuffer* output_ = nullptr;
};

}  // namespace

void check(const Program& program) { Checker(program).run(); }

}  // namespace tempera::quant
