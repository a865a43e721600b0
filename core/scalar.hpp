// The number type of every tensor: float, or double in the `f64` preset, in which gradients are checked.
#pragma once

namespace tempera {

#ifdef TEMPERA_F64
using Scalar = double;
#else
using Scalar = float;
#endif

/// Where numbers of a configuration end that training computes with in float32: 1e-50 would be 0 there, which nothing may
/// be divided by, and 0.99999999 would be 1, a memory that never takes anything in.
inline constexpr double kLeastPositive = 1e-37, kMostBelowOne = 0.9999999;

}  // namespace tempera
