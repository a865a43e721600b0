#include "tempera/core/gradcheck.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tempera/core/random.hpp"

namespace tempera::core {
namespace {

Tensor output_weights(const Shape& shape, std::uint64_t seed) {
  Tensor weights(shape);
  Random(seed, "gradcheck").fill_uniform(weights.mutable_values(), -1.0, 1.0);
  return weights;
}

double weighted_sum(const Tensor& y, const Tensor& weights) {
  double sum = 0;
  for (std::int64_t i = 0; i < y.numel(); ++i) {
    sum += static_cast<double>(y.data()[i]) * static_cast<double>(weights.data()[i]);
  }
  return sum;
}

class Checker {
 public:
  Checker(const GradcheckFn& fn, const std::vector<Variable>& inputs, const GradcheckOptions& options)
      : fn_(fn), inputs_(inputs), options_(options) {
    for (const Variable& input : inputs_) input.zero_grad();
    const Variable y = fn_(inputs_);
    weights_ = output_weights(y.shape(), options_.seed);
    backward(y, weights_);
    for (const Variable& input : inputs_) {
      analytic_.push_back(input.grad());
      input.zero_grad();
    }
  }

  GradcheckResult run() {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (inputs_[i].requires_grad()) check_input(i);
    }
    const Shape shape = inputs_.empty() ? Shape{} : inputs_[worst_.input].shape();
    worst_.passed = worst_.error <= options_.tolerance;
    worst_.report =
        fmt::format("input {} {}, element {}: analytic {}, numeric {}, error {} (tolerance {})", worst_.input,
                    shape.text(), worst_.element, worst_.analytic, worst_.numeric, worst_.error, options_.tolerance);
    return worst_;
  }

 private:
  void check_input(std::size_t i) {
    const std::int64_t n = inputs_[i].value().numel();
    const std::int64_t limit = options_.max_elements == 0 ? n : std::min(n, options_.max_elements);
    for (std::int64_t k = 0; k < limit; ++k) {
      const std::int64_t element = k * n / limit;
      const double analytic = analytic_[i].empty() ? 0.0 : static_cast<double>(analytic_[i].data()[element]);
      note(i, element, analytic, difference(inputs_[i], element));
    }
  }

  // (f(x + h) − f(x − h)) / 2h with the h that the number format really took.
  double difference(const Variable& input, std::int64_t element) const {
    const Scalar x = input.value().data()[element];
    const double h = options_.epsilon * std::max(1.0, std::abs(static_cast<double>(x)));
    const auto above = static_cast<Scalar>(static_cast<double>(x) + h);
    const auto below = static_cast<Scalar>(static_cast<double>(x) - h);
    const double rise = value_at(input, element, above) - value_at(input, element, below);
    input.mutable_value().mutable_data()[element] = x;
    return rise / (static_cast<double>(above) - static_cast<double>(below));
  }

  double value_at(const Variable& input, std::int64_t element, Scalar x) const {
    input.mutable_value().mutable_data()[element] = x;
    const NoGrad no_grad;
    return weighted_sum(fn_(inputs_).value(), weights_);
  }

  void note(std::size_t input, std::int64_t element, double analytic, double numeric) {
    ++worst_.checked;
    const double scale = std::max({1.0, std::abs(analytic), std::abs(numeric)});
    const double error = std::abs(analytic - numeric) / scale;
    if (error <= worst_.error) return;  // a NaN is never "not worse"
    if (std::isnan(worst_.error)) return;
    worst_.input = input;
    worst_.element = element;
    worst_.analytic = analytic;
    worst_.numeric = numeric;
    worst_.error = error;
  }

  const GradcheckFn& fn_;
  const std::vector<Variable>& inputs_;
  const GradcheckOptions& options_;
  Tensor weights_;
  std::vector<Tensor> analytic_;
  GradcheckResult worst_;
};

}  // namespace

GradcheckResult gradcheck(const GradcheckFn& fn, const std::vector<Variable>& inputs, const GradcheckOptions& options) {
  return Checker(fn, inputs, options).run();
}

}  // namespace tempera::core
