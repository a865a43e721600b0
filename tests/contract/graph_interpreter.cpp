#include "contract/graph_interpreter.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace tempera::contract {
namespace {

namespace graph = nn::graph;
using core::Shape;
using Values = std::vector<double>;

struct Value {
  Shape shape;
  Values values;
  [[nodiscard]] double at(std::int64_t c, std::int64_t y, std::int64_t x) const {
    return values[static_cast<std::size_t>((c * shape[1] + y) * shape[2] + x)];
  }
};

double number(const core::Variable& v, std::int64_t i, double absent) {
  return v.empty() ? absent : static_cast<double>(v.value().data()[i]);
}

// Calls fn(row, column) for the cells of a window that lie inside of the image.
template <class Fn>
void for_cells(const Shape& image, std::int64_t y0, std::int64_t x0, std::int64_t height, std::int64_t width, Fn fn) {
  for (std::int64_t y = std::max<std::int64_t>(y0, 0); y < std::min(y0 + height, image[1]); ++y) {
    for (std::int64_t x = std::max<std::int64_t>(x0, 0); x < std::min(x0 + width, image[2]); ++x) fn(y, x);
  }
}

struct Interpreter {
  const std::vector<const Value*>& in;
  const Shape& shape;  ///< of the result

  [[nodiscard]] const Values& x() const { return in[0]->values; }

  Values operator()(const graph::Input& /*op*/) const { throw std::logic_error("two inputs"); }
  Values operator()(const graph::Pass& /*op*/) const { return x(); }
  Values operator()(const graph::Reshape& /*op*/) const { return x(); }

  Values operator()(const graph::Linear& op) const {
    Values y;
    const auto n = static_cast<std::int64_t>(x().size());
    for (std::int64_t o = 0; o < shape.numel(); ++o) {
      double sum = number(op.bias, o, 0);
      for (std::int64_t i = 0; i < n; ++i) sum += number(op.weight, o * n + i, 0) * x()[static_cast<std::size_t>(i)];
      y.push_back(sum);
    }
    return y;
  }

  Values operator()(const graph::Conv2d& op) const {
    Values y;
    const Shape& w = op.weight.shape();
    for (std::int64_t o = 0; o < shape[0]; ++o) {
      const std::int64_t first = o / (shape[0] / op.options.groups) * w[1];  // input channel of the group
      for (std::int64_t at = 0; at < shape[1] * shape[2]; ++at) {
        double sum = number(op.bias, o, 0);
        for (std::int64_t tap = 0; tap < w[1] * w[2] * w[3]; ++tap) {
          const std::int64_t row =
              at / shape[2] * op.options.stride[0] - op.options.padding[0] + tap / w[3] % w[2] * op.options.dilation[0];
          const std::int64_t column =
              at % shape[2] * op.options.stride[1] - op.options.padding[1] + tap % w[3] * op.options.dilation[1];
          if (row < 0 || row >= in[0]->shape[1] || column < 0 || column >= in[0]->shape[2]) continue;
          sum +=
              number(op.weight, o * w[1] * w[2] * w[3] + tap, 0) * in[0]->at(first + tap / (w[2] * w[3]), row, column);
        }
        y.push_back(sum);
      }
    }
    return y;
  }

  Values operator()(const graph::BatchNorm& op) const {
    Values y = x();
    const std::int64_t each = shape.numel() / shape[0];
    for (std::int64_t i = 0; i < shape.numel(); ++i) {
      const std::int64_t c = i / each;
      double& v = y[static_cast<std::size_t>(i)];
      v = number(op.gain, c, 1) * (v - number(op.mean, c, 0)) / std::sqrt(number(op.variance, c, 1) + op.epsilon) +
          number(op.bias, c, 0);
    }
    return y;
  }

  Values operator()(const graph::Clamp& op) const {
    return map([&](double v) { return std::min(std::max(v, op.low), op.high); });
  }

  Values operator()(const graph::MaxPool2d& op) const {
    return pool(op.options, [](const Values& cells) { return *std::ranges::max_element(cells); });
  }
  Values operator()(const graph::AvgPool2d& op) const { return pool(op.options, mean); }
  Values operator()(const graph::GlobalAvgPool2d& /*op*/) const {
    Values y;
    const std::int64_t each = in[0]->shape[1] * in[0]->shape[2];
    for (std::int64_t c = 0; c < shape[0]; ++c) y.push_back(mean(Values(&x()[c * each], &x()[c * each] + each)));
    return y;
  }

  Values operator()(const graph::Add& /*op*/) const {
    Values y = x();
    for (std::size_t i = 0; i < y.size(); ++i) y[i] += in[1]->values[i];
    return y;
  }
  Values operator()(const graph::Concat& /*op*/) const {
    Values y;
    for (const Value* part : in) y.insert(y.end(), part->values.begin(), part->values.end());
    return y;
  }

  Values operator()(const graph::Function& op) const {
    if (op.name == "softmax") return softmax(op.parameter);
    return map([&](double v) {
      if (op.name == "sigmoid") return 1 / (1 + std::exp(-v));
      if (op.name == "tanh") return std::tanh(v);
      if (op.name == "gelu") return 0.5 * v * (1 + std::erf(v / std::sqrt(2.0)));
      if (op.name == "softplus") return std::log1p(std::exp(v));
      if (op.name == "leaky_relu") return v > 0 ? v : op.parameter * v;
      throw std::logic_error("no function " + op.name);
    });
  }

 private:
  template <class Fn>
  Values map(Fn fn) const {
    Values y;
    for (const double v : x()) y.push_back(fn(v));
    return y;
  }
  static double mean(const Values& cells) {
    double sum = 0;
    for (const double v : cells) sum += v;
    return sum / static_cast<double>(cells.size());
  }
  template <class Fn>
  Values pool(const core::Pool2dOptions& o, Fn fn) const {
    Values y;
    for (std::int64_t i = 0; i < shape.numel(); ++i) {
      Values cells;
      const std::int64_t row = i / shape[2] % shape[1], column = i % shape[2];
      for_cells(in[0]->shape, row * o.stride[0] - o.padding[0], column * o.stride[1] - o.padding[1], o.size[0],
                o.size[1], [&](auto r, auto c) { cells.push_back(in[0]->at(i / (shape[1] * shape[2]), r, c)); });
      y.push_back(fn(cells));
    }
    return y;
  }
  [[nodiscard]] Values softmax(double temperature) const {
    Values y = x();
    const auto n = static_cast<std::size_t>(shape[shape.rank() - 1]);
    for (std::size_t row = 0; row < y.size(); row += n) {
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) sum += y[row + i] = std::exp(y[row + i] / temperature);
      for (std::size_t i = 0; i < n; ++i) y[row + i] /= sum;
    }
    return y;
  }
};

}  // namespace

std::vector<double> interpret(const nn::Graph& graph, const std::vector<double>& sample) {
  std::vector<Value> values;
  for (const nn::GraphNode& node : graph.nodes) {
    if (values.empty()) {
      values.push_back({node.shape, sample});
      continue;
    }
    std::vector<const Value*> in;
    for (const nn::GraphValue value : node.inputs) in.push_back(&values.at(static_cast<std::size_t>(value)));
    Values y = std::visit(Interpreter{in, node.shape}, node.operation);
    if (static_cast<std::int64_t>(y.size()) != node.shape.numel()) throw std::logic_error(node.label + ": wrong size");
    values.push_back({node.shape, std::move(y)});
  }
  return std::move(values.back().values);
}

}  // namespace tempera::contract
