#include "tempera/core/kernels/peak.hpp"

#include <array>

#include "tempera/core/kernels/levels.hpp"

namespace tempera::core {
namespace {

// Without a vector's instructions: what the compiler makes of a loop.
std::int64_t plain(std::int64_t rounds, Scalar* sums) noexcept {
  std::array<Scalar, 16> chains{};
  const Scalar shift = sums[0];
  for (std::int64_t r = 0; r < rounds; ++r) {
    for (Scalar& chain : chains) chain = chain * Scalar{0.5} + shift;
  }
  sums[0] = 0;
  for (const Scalar chain : chains) sums[0] += chain;
  return rounds * static_cast<std::int64_t>(chains.size());
}

}  // namespace

std::int64_t multiply_adds_in_registers(Isa level, std::int64_t rounds, Scalar& value) noexcept {
  if constexpr (sizeof(Scalar) == sizeof(float)) {  // in double precision the other levels are not built
    if (level == Isa::kSse42) return detail::multiply_adds_sse42(rounds, &value);
    if (level == Isa::kAvx2) return detail::multiply_adds_avx2(rounds, &value);
    if (level >= Isa::kAvx512) return detail::multiply_adds_avx512(rounds, &value);
  }
  return plain(rounds, &value);
}

}  // namespace tempera::core
