// The kernels of an instruction level, in terms of what its translation unit defines before it includes this: the vector
// V, Part, load, store, fold, … Everything stands in that unit's anonymous namespace, and nothing of the standard
// library is called: an inline function compiled with these flags must not be the copy that the linker keeps.

constexpr float kInfinity = __builtin_inff();

// The sum of all lanes, always in the same order.
float total(V x) noexcept {
  const __m128 four = fold(x);
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

// The first n < kLanes values, `fill` in the other lanes.
V load_first(const float* x, std::int64_t n, float fill) noexcept {
  alignas(64) static constexpr float kIndex[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return xsimd::select(V::load_aligned(kIndex) < V(static_cast<float>(n)), load(x, part_of(n)), V(fill));
}

#include "simd_channels.ipp"
#include "simd_dot.ipp"
#include "simd_gemm.ipp"

// Stores as the tile does.
#include "simd_few_rows.ipp"
#include "simd_math.ipp"
#include "simd_pack.ipp"
#include "simd_peak.ipp"
#include "simd_steps.ipp"

#include "simd_pool.ipp"
#include "simd_quant.ipp"

#include "simd_bytes.ipp"
#include "simd_rows.ipp"
#include "simd_stairs.ipp"
#include "simd_update.ipp"

// These use the tile of simd_gemm.ipp, and one another in this order.
#include "simd_conv.ipp"

#include "simd_winograd_product.ipp"

#include "simd_winograd.ipp"

void fill(KernelTable& table) noexcept {
  fill_math(table);
  fill_rows(table);
  fill_update(table);
  fill_quant(table);
  fill_bytes(table);
  fill_stairs(table);
  fill_gemm(table);
  fill_conv(table);
  fill_winograd(table);
  fill_pool(table);
  fill_channels(table);
}
