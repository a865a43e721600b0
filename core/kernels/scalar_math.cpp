// Reference kernels: elementwise functions.
#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "tempera/core/kernels/levels.hpp"

namespace tempera::core::detail {
namespace {

template <auto f>
void map(std::int64_t n, const Scalar* x, Scalar* y) noexcept {
  for (std::int64_t i = 0; i < n; ++i) y[i] = f(x[i]);
}

template <auto f>
void map2(std::int64_t n, const Scalar* a, const Scalar* b, Scalar* y) noexcept {
  for (std::int64_t i = 0; i < n; ++i) y[i] = f(a[i], b[i]);
}

template <auto f>
void map_scalar(std::int64_t n, const Scalar* a, Scalar b, Scalar* y) noexcept {
  for (std::int64_t i = 0; i < n; ++i) y[i] = f(a[i], b);
}

void axpy(std::int64_t n, Scalar a, const Scalar* x, Scalar* y) noexcept {
  for (std::int64_t i = 0; i < n; ++i) y[i] += a * x[i];
}

// round(x·scale + shift) in one rounding, as the levels with an instruction for it have it: two would put pixels on the other
// side of a tie. The product of a byte is exact in double, and so is the sum with what it lost. A double that lost something is
// made odd (Boldo & Melquiond 2008), so that rounding it again is rounding once.
[[maybe_unused]] float fused(float x, float scale, float shift) noexcept {
  const double product = static_cast<double>(x) * static_cast<double>(scale), add = static_cast<double>(shift);
  const double sum = product + add, part = sum - product;
  const double lost = (product - (sum - part)) + (add - part);
  auto bits = std::bit_cast<std::uint64_t>(sum);
  if (lost != 0 && (bits & 1U) == 0) bits += (lost > 0) == (sum > 0) ? 1 : -1;
  return static_cast<float>(std::bit_cast<double>(bits));
}
[[maybe_unused]] double fused(double x, double scale, double shift) noexcept { return std::fma(x, scale, shift); }

void normalize_u8(std::int64_t n, const std::uint8_t* x, Scalar scale, Scalar shift, Scalar* y) noexcept {
  for (std::int64_t i = 0; i < n; ++i) y[i] = fused(static_cast<Scalar>(x[i]), scale, shift);
}

// Both branches keep the argument of exp at or below 0, so that nothing overflows.
Scalar sigmoid(Scalar x) noexcept {
  const Scalar e = std::exp(-std::abs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

Scalar softplus(Scalar x) noexcept { return (x > 0 ? x : Scalar{0}) + std::log1p(std::exp(-std::abs(x))); }

// Φ(x), the distribution function of the standard normal.
Scalar normal_cdf(Scalar x) noexcept { return Scalar{0.5} * std::erfc(-x / std::numbers::sqrt2_v<Scalar>); }

Scalar gelu(Scalar x) noexcept { return x * normal_cdf(x); }

Scalar gelu_grad(Scalar dy, Scalar x) noexcept {
  const Scalar density = std::exp(-x * x / 2) * std::numbers::inv_sqrtpi_v<Scalar> / std::numbers::sqrt2_v<Scalar>;
  return dy * (normal_cdf(x) + x * density);
}

}  // namespace

void fill_scalar_math(KernelTable& table) {
  table.add = map2<[](Scalar a, Scalar b) { return a + b; }>;
  table.sub = map2<[](Scalar a, Scalar b) { return a - b; }>;
  table.mul = map2<[](Scalar a, Scalar b) { return a * b; }>;
  table.div = map2<[](Scalar a, Scalar b) { return a / b; }>;
  table.add_scalar = map_scalar<[](Scalar a, Scalar b) { return a + b; }>;
  table.mul_scalar = map_scalar<[](Scalar a, Scalar b) { return a * b; }>;
  table.axpy = axpy;
  table.exp = map<[](Scalar x) { return std::exp(x); }>;
  table.log = map<[](Scalar x) { return std::log(x); }>;
  table.sqrt = map<[](Scalar x) { return std::sqrt(x); }>;
  table.relu = map<[](Scalar x) { return x < 0 ? Scalar{0} : x; }>;
  table.gelu = map<gelu>;
  table.sigmoid = map<sigmoid>;
  table.tanh = map<[](Scalar x) { return std::tanh(x); }>;
  table.softplus = map<softplus>;
  table.relu_grad = map2<[](Scalar dy, Scalar y) { return y <= 0 ? Scalar{0} : dy; }>;
  table.sigmoid_grad = map2<[](Scalar dy, Scalar y) { return dy * y * (1 - y); }>;
  table.tanh_grad = map2<[](Scalar dy, Scalar y) { return dy * (1 - y * y); }>;
  table.gelu_grad = map2<gelu_grad>;
  table.normalize_u8 = normalize_u8;
}

}  // namespace tempera::core::detail
