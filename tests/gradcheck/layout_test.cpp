// Oracle: central differences in double precision.
#include "tempera/core/ops/layout.hpp"

#include <algorithm>
#include <numeric>

#include "gradcheck/support.hpp"
#include "tempera/core/ops/gather.hpp"

namespace tempera::gradcheck_test {
namespace {

TEST_CASE("reshape, permute and transpose carry gradients back to where values came from") {
  property("reshape and permute", [] {
    const Variable x = normal(some_shape(number(2, 5), 3));
    std::vector<int> axes(static_cast<std::size_t>(x.shape().rank()));
    std::iota(axes.begin(), axes.end(), 0);
    for (std::size_t i = axes.size(); i > 1; --i) {
      std::swap(axes[i - 1], axes[static_cast<std::size_t>(number(0, static_cast<int>(i) - 1))]);
    }
    agrees([&](const Variables& in) { return core::permute(in[0], axes); }, {x});
    agrees([&](const Variables& in) { return core::transpose(in[0], 0, -1); }, {x});
    agrees([&](const Variables& in) { return core::reshape(in[0], {in[0].shape().numel(), 1}); }, {x});
  });
}

TEST_CASE("slice, concat and pad gradients agree with differences on every axis") {
  property("slice, concat, pad", [] {
    const Shape shape = some_shape(number(1, 4));
    const int axis = number(0, shape.rank() - 1);
    const int begin = number(0, static_cast<int>(shape[axis])), end = number(begin, static_cast<int>(shape[axis]));
    const Variable x = normal(shape), y = normal(shape);
    agrees([=](const Variables& in) { return core::slice(in[0], axis, begin, end); }, {x});
    agrees([=](const Variables& in) { return core::concat(Variables{in[0], in[1], in[0]}, axis); }, {x, y});
    std::vector<std::pair<std::int64_t, std::int64_t>> widths;
    for (int i = 0; i < shape.rank(); ++i) widths.emplace_back(number(0, 2), number(0, 2));
    agrees([=](const Variables& in) { return core::pad(in[0], widths, 0.5); }, {x});
  });
}

TEST_CASE("index_select adds up the gradients of an index that occurs twice, and pick takes one a row") {
  property("gather", [] {
    const Shape shape = some_shape(number(1, 4));
    const int axis = number(0, shape.rank() - 1);
    std::vector<std::int64_t> indices;
    for (int i = number(0, 5); i > 0; --i) indices.push_back(number(0, static_cast<int>(shape[axis]) - 1));
    agrees([&](const Variables& in) { return core::index_select(in[0], axis, indices); }, {normal(shape)});
    const int rows = number(1, 5), columns = number(1, 5);
    std::vector<std::int32_t> picked;
    for (int i = 0; i < rows; ++i) picked.push_back(number(0, columns - 1));
    agrees([&](const Variables& in) { return core::pick(in[0], picked); }, {normal({rows, columns})});
  });
}

}  // namespace
}  // namespace tempera::gradcheck_test
