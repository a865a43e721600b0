// Rounding to bfloat16. It is made of integer additions, shifts and selections, which the compiler turns into vectors of
// whatever the file that includes this is compiled for; instructions of their own (vcvtneps2bf16) would flush subnormals.

void round(std::int64_t n, const float* x, float* y) noexcept {
  for (std::int64_t i = 0; i < n; ++i) y[i] = rounded_to_bf16(x[i]);
}
