// A matrix product whose rows are made when they are asked for: by whoever uses them next, while they are near.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "tempera/core/gemm.hpp"
#include "tempera/core/storage.hpp"

namespace tempera::core {

/// One that is ready for that.
class RowProduct {
 public:
  /// Whether gemm(args) makes each row as if it were alone: many rows, B not transposed, and bfloat16 only where the
  /// processor multiplies it.
  [[nodiscard]] static bool suits(const Gemm& args);
  /// Rounds and packs what all rows share. `args` must suit; its operands have to live as long, its c and what is to be
  /// done to c are not used.
  explicit RowProduct(const Gemm& args);

  /// to[(i − begin)·n + j] = C(i, j) for the rows i of [begin, end), in the bits that gemm() gives them. On the way the
  /// arrays `next`, of as many values, are brought near. May be called by several threads at a time.
  void make(std::int64_t begin, std::int64_t end, Scalar* to, std::span<const Scalar* const> next) const;

 private:
  void make_float32(std::int64_t begin, std::int64_t end, Scalar* to, std::span<const Scalar* const> next) const;
  void pack_bf16();
  void make_bf16(std::int64_t begin, std::int64_t end, Scalar* to) const;

  Gemm args_;
  std::optional<PackedB> b_;            // of float32
  Storage bf16_a_, bf16_b_;             // words of pairs along k
  std::int64_t words_ = 0, depth_ = 1;  // of bfloat16: along k, and that one instruction takes
};

}  // namespace tempera::core
