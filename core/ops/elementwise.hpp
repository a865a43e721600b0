// Elementwise arithmetic with NumPy broadcasting, and elementwise functions of one operand.
//
// Gradients of broadcast operands are summed over the axes they were repeated along. Throws ShapeError where two shapes
// do not broadcast.
#pragma once

#include "tempera/core/variable.hpp"

namespace tempera::core {

[[nodiscard]] Variable add(const Variable& a, const Variable& b);
[[nodiscard]] Variable sub(const Variable& a, const Variable& b);
[[nodiscard]] Variable mul(const Variable& a, const Variable& b);
[[nodiscard]] Variable div(const Variable& a, const Variable& b);
/// At ties each operand receives half of the gradient (as in PyTorch); NaN in either operand gives NaN.
[[nodiscard]] Variable maximum(const Variable& a, const Variable& b);
[[nodiscard]] Variable minimum(const Variable& a, const Variable& b);

[[nodiscard]] Variable add(const Variable& a, double b);
[[nodiscard]] Variable mul(const Variable& a, double b);
/// a / b and b / a by true division, not by the reciprocal.
[[nodiscard]] Variable div(const Variable& a, double b);
[[nodiscard]] Variable div(double a, const Variable& b);
[[nodiscard]] Variable neg(const Variable& x);

[[nodiscard]] Variable exp(const Variable& x);
[[nodiscard]] Variable log(const Variable& x);
[[nodiscard]] Variable sqrt(const Variable& x);
[[nodiscard]] Variable square(const Variable& x);
/// x^exponent; exponent·x^(exponent−1) backwards, and 0 for exponent 0.
[[nodiscard]] Variable pow(const Variable& x, double exponent);
/// |x|, with derivative 0 at 0.
[[nodiscard]] Variable abs(const Variable& x);
/// min(max(x, low), high); the gradient passes where low ≤ x ≤ high. Throws ConfigError unless low ≤ high.
[[nodiscard]] Variable clamp(const Variable& x, double low, double high);

inline Variable operator+(const Variable& a, const Variable& b) { return add(a, b); }
inline Variable operator-(const Variable& a, const Variable& b) { return sub(a, b); }
inline Variable operator*(const Variable& a, const Variable& b) { return mul(a, b); }
inline Variable operator/(const Variable& a, const Variable& b) { return div(a, b); }
inline Variable operator+(const Variable& a, double b) { return add(a, b); }
inline Variable operator+(double a, const Variable& b) { return add(b, a); }
inline Variable operator-(const Variable& a, double b) { return add(a, -b); }
inline Variable operator-(double a, const Variable& b) { return add(neg(b), a); }
inline Variable operator*(const Variable& a, double b) { return mul(a, b); }
inline Variable operator*(double a, const Variable& b) { return mul(b, a); }
inline Variable operator/(const Variable& a, double b) { return div(a, b); }
inline Variable operator/(double a, const Variable& b) { return div(a, b); }
inline Variable operator-(const Variable& x) { return neg(x); }

}  // namespace tempera::core
