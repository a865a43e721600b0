// Oracles: the samples of a batch by hand; what NaN is to a comparison.
#include "tempera/quant/batch_part.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tempera/quant/finite_scale.hpp"

namespace {

using namespace tempera;

TEST_CASE("the first samples of a batch are those, and no more than there are") {
  core::Batch batch;
  batch.inputs = core::Tensor({3, 2}, {Scalar{1}, Scalar{2}, Scalar{3}, Scalar{4}, Scalar{5}, Scalar{6}});
  batch.labels = {7, 8, 9};
  batch.indices = {10, 11, 12};
  const core::Batch two = quant::first_of(batch, 2);
  CHECK(two.inputs.shape() == core::Shape{2, 2});
  CHECK(two.inputs.values()[3] == 4);
  CHECK(two.labels == std::vector<std::int32_t>{7, 8});
  CHECK(two.indices == std::vector<std::int64_t>{10, 11});
  CHECK(quant::first_of(batch, 5).size() == 3);
  CHECK(quant::slice(batch.inputs, 1, 2).values()[0] == 3);
}

TEST_CASE("a scale that is no number is not searched for a finite one") {
  CHECK(std::isnan(quant::finite_scale(std::numeric_limits<float>::quiet_NaN(), 15)));
  CHECK(std::isfinite(15 * quant::finite_scale(std::numeric_limits<float>::max(), 15)));
}

}  // namespace
