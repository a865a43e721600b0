// As many multiply-adds as the instruction set does: on registers, in chains enough to hide their latency.

std::int64_t multiply_adds(std::int64_t rounds, float* sums) noexcept {
  constexpr std::int64_t kChains = 12;
  const V scale(0.5F), shift(sums[0]);
  V chain[kChains];
#pragma GCC unroll 12
  for (std::int64_t c = 0; c < kChains; ++c) chain[c] = V(static_cast<float>(c));
  for (std::int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 12
    for (std::int64_t c = 0; c < kChains; ++c) chain[c] = fma(chain[c], scale, shift);
  }
#pragma GCC unroll 12
  for (std::int64_t c = 1; c < kChains; ++c) chain[0] = chain[0] + chain[c];
  sums[0] = total(chain[0]);
  return rounds * kChains * kLanes;
}
