// The number type of every tensor: float, or double in the `f64` preset, in which gradients are checked.
#pragma once

namespace tempera {

#ifdef TEMPERA_F64
using Scalar = double;
#else
using Scalar = float;
#endif

}  // namespace tempera
