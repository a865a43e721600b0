#include <fmt/format.h>

#include <algorithm>

#include "tempera/core/errors.hpp"
#include "tempera/quant/engine.hpp"
#include "tempera/quant/program_shapes.hpp"
#include "tempera/quant/reference/operations.hpp"

namespace tempera::quant {
namespace {

using reference::Input;
using reference::Values;

// The values of all buffers for one sample.
class Sample {
 public:
  Sample(const Program& program, std::span<const Scalar> x)
      : program_(program), x_(x), values_(program.buffers.size()) {}

  const Values& run(const Instruction& in) {
    instruction_ = &in;
    Values& output = values_[static_cast<std::size_t>(in.output)];
    output = std::visit([this](const auto& operation) { return run(operation); }, in.operation);
    return output;
  }

 private:
  [[nodiscard]] Input input(std::size_t i = 0) const {
    const auto buffer = static_cast<std::size_t>(instruction_->inputs[i]);
    return {program_.buffers[buffer], values_[buffer]};
  }
  [[nodiscard]] const core::Shape& shape() const {
    return program_.buffers[static_cast<std::size_t>(instruction_->output)].shape;
  }

  Values run(const program::Quantize& q) {
    Values y;
    for (const Scalar x : x_) y.push_back(q.params.quantize(static_cast<float>(x)));
    return y;
  }
  Values run(const program::Linear& l) { return reference::linear(l, input()); }
  Values run(const program::Conv2d& c) { return reference::conv2d(c, input(), shape()); }
  Values run(const program::Requantize& r) { return reference::requantize_all(r.requant, input()); }
  Values run(const program::Clamp& c) {
    Values y = input().values;
    for (std::int32_t& q : y) q = std::clamp(q, c.low, c.high);
    return y;
  }
  Values run(const program::MaxPool2d& p) { return reference::max_pool2d(p, input(), shape()); }
  Values run(const program::AvgPool2d& p) { return reference::avg_pool2d(p, input(), shape()); }
  Values run(const program::GlobalAvgPool2d& p) {
    const core::Shape& image = input().buffer.shape;
    const program::AvgPool2d whole{{image[1], image[2]}, {1, 1}, {0, 0}, p.rounding};
    return reference::avg_pool2d(whole, input(), {image[0], 1, 1});
  }
  Values run(const program::Add& a) { return reference::add(a, input(0), input(1)); }
  Values run(const program::Concat& c) {
    Values y;
    for (std::size_t i = 0; i < c.requants.size(); ++i) {
      const std::optional<Requant>& requant = c.requants[i];
      const Values part = requant ? reference::requantize_all(*requant, input(i)) : input(i).values;
      y.insert(y.end(), part.begin(), part.end());
    }
    return y;
  }
  Values run(const program::Reshape&) { return input().values; }
  Values run(const program::Lookup& l) {
    Values y = input().values;
    for (std::int32_t& q : y) q = l.table[static_cast<std::size_t>(q - input().buffer.low)];
    return y;
  }

  const Program& program_;
  std::span<const Scalar> x_;
  std::vector<Values> values_;
  const Instruction* instruction_ = nullptr;
};

}  // namespace

IntTensor run_reference(const Program& program, const core::Tensor& x, const Watch& watch) {
  check(program);
  if (x.rank() != program.input.rank() + 1 || !(x.shape().without_batch() == program.input)) {
    throw core::ShapeError(
        fmt::format("program: takes samples of {}, received {}", program.input.text(), x.shape().text()));
  }
  const std::int64_t batch = x.dim(0);
  const auto size = static_cast<std::size_t>(program.input.numel());
  std::vector<Sample> samples;
  for (std::size_t i = 0; i < static_cast<std::size_t>(batch); ++i)
    samples.emplace_back(program, x.values().subspan(i * size, size));
  IntTensor value;
  for (std::size_t i = 0; i < program.instructions.size(); ++i) {
    const Instruction& in = program.instructions[i];
    value = {.shape = program.buffers[static_cast<std::size_t>(in.output)].shape.with_batch(batch), .values = {}};
    for (Sample& sample : samples) {
      const Values& part = sample.run(in);
      value.values.insert(value.values.end(), part.begin(), part.end());
    }
    if (watch) watch(i, value);
  }
  return value;
}

}  // namespace tempera::quant
