// y·2^k for whole k from −150 to 128, rounded once where it is subnormal: one factor would not be a float at the ends.
V times_power_of_two(V y, V k) noexcept {
  const auto power = xsimd::to_int(k);
  const auto half = power >> 1;
  const auto two_to = [](auto n) { return xsimd::bitwise_cast<V>((n + 127) << 23); };
  return y * two_to(half) * two_to(power - half);
}
