// Quotients by one number. What the divider takes on these levels, corrected products would take as well
// (docs/decisions/what-levels-taught.md).
struct Divisor {
  V scale;
  explicit Divisor(float s) noexcept : scale(s) {}
  [[nodiscard]] V operator()(V x) const noexcept { return x / scale; }
};
