// Oracle: central differences in double precision.
#include "tempera/core/ops/softmax.hpp"

#include "gradcheck/support.hpp"
#include "tempera/core/ops/reduce.hpp"

namespace tempera::gradcheck_test {
namespace {

TEST_CASE("softmax and log_softmax gradients agree with differences at any temperature") {
  property("softmax", [] {
    const Variable x = normal(some_shape(number(1, 4)));
    const double temperature = number(1, 40) / 4.0;
    agrees([=](const Variables& in) { return core::softmax(in[0], temperature); }, {x});
    agrees([=](const Variables& in) { return core::log_softmax(in[0], temperature); }, {x});
  });
}

TEST_CASE("cross_entropy gradients agree with differences with and without smoothing") {
  property("cross_entropy", [] {
    const int batch = number(1, 6), classes = number(1, 7);
    std::vector<std::int32_t> labels;
    for (int i = 0; i < batch; ++i) labels.push_back(number(0, classes - 1));
    const double smoothing = coin() ? 0.0 : number(1, 9) / 10.0;
    agrees([&](const Variables& in) { return core::cross_entropy(in[0], labels, smoothing); },
           {normal({batch, classes})});
  });
}

std::vector<int> some_axes(int rank) {
  std::vector<int> axes;
  for (int i = 0; i < rank; ++i) {
    if (coin()) axes.push_back(coin() ? i : i - rank);
  }
  return axes;
}

TEST_CASE("gradients of sum, mean and max over any axes agree with differences") {
  property("reductions", [] {
    const Variable x = distinct(some_shape(number(0, 4)));
    const auto axes = some_axes(x.shape().rank());
    const bool keep = coin();
    agrees([&](const Variables& in) { return core::sum(in[0], axes, keep); }, {x});
    agrees([&](const Variables& in) { return core::mean(in[0], axes, keep); }, {x});
    agrees([&](const Variables& in) { return core::max(in[0], axes, keep); }, {x});
  });
}

}  // namespace
}  // namespace tempera::gradcheck_test
