// The only door to xtensor: static-rank views of a tensor's storage, for references, reports and tests. Not for hot
// paths (axis reductions and strided views are an order of magnitude slower than a loop), and not to be included by
// another public header (it costs seconds of compile time).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <xtensor/xadapt.hpp>
#include <xtensor/xtensor.hpp>

#include "tempera/core/errors.hpp"
#include "tempera/core/tensor.hpp"

namespace tempera::core {
namespace detail {

template <std::size_t Rank>
std::array<std::size_t, Rank> extents_of(const Tensor& tensor) {
  if (tensor.rank() != static_cast<int>(Rank)) {
    throw ShapeError("[xt] the view has " + std::to_string(Rank) + " axes, the tensor shape " + tensor.shape().text());
  }
  std::array<std::size_t, Rank> extents{};
  for (std::size_t i = 0; i < Rank; ++i) extents[i] = static_cast<std::size_t>(tensor.shape()[static_cast<int>(i)]);
  return extents;
}

}  // namespace detail

/// xt<2>(t): a tensor's values as an xtensor expression of that rank. It refers to the storage and must not outlive
/// `tensor`. Throws ShapeError for another rank. Assign expressions in the statement that makes them.
template <std::size_t Rank>
[[nodiscard]] auto xt(const Tensor& tensor) {
  return ::xt::adapt(tensor.data(), static_cast<std::size_t>(tensor.numel()), ::xt::no_ownership(),
                     detail::extents_of<Rank>(tensor));
}

/// The same to write through; copies the values first if another handle shares them.
template <std::size_t Rank>
[[nodiscard]] auto xt(Tensor& tensor) {
  return ::xt::adapt(tensor.mutable_data(), static_cast<std::size_t>(tensor.numel()), ::xt::no_ownership(),
                     detail::extents_of<Rank>(tensor));
}

/// Evaluates an expression of that rank into a tensor of its own.
template <class Expression>
[[nodiscard]] Tensor tensor_of(const Expression& expression) {
  std::array<std::int64_t, Shape::kMaxRank> extents{};
  const std::size_t rank = expression.dimension();
  if (rank > extents.size()) throw ShapeError("[tensor_of] an expression of more axes than a tensor can have");
  for (std::size_t i = 0; i < rank; ++i) extents[i] = static_cast<std::int64_t>(expression.shape()[i]);
  Tensor result(Shape(std::span<const std::int64_t>(extents.data(), rank)));
  std::copy(expression.begin(), expression.end(), result.mutable_data());
  return result;
}

}  // namespace tempera::core
