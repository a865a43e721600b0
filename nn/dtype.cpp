#include "tempera/nn/dtype.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "tempera/core/bfloat16.hpp"

namespace tempera::nn {
namespace {

static_assert(std::endian::native == std::endian::little, "files are little-endian and read as they are");

struct Facts {
  DType dtype;
  std::string_view name;
  std::size_t bytes;
};

constexpr std::array<Facts, 13> kFacts{{{DType::kF64, "F64", 8},
                                        {DType::kF32, "F32", 4},
                                        {DType::kF16, "F16", 2},
                                        {DType::kBF16, "BF16", 2},
                                        {DType::kI64, "I64", 8},
                                        {DType::kI32, "I32", 4},
                                        {DType::kI16, "I16", 2},
                                        {DType::kI8, "I8", 1},
                                        {DType::kU64, "U64", 8},
                                        {DType::kU32, "U32", 4},
                                        {DType::kU16, "U16", 2},
                                        {DType::kU8, "U8", 1},
                                        {DType::kBool, "BOOL", 1}}};

const Facts& facts(DType dtype) noexcept { return kFacts[static_cast<std::size_t>(dtype)]; }

template <class Stored, class Convert>
void convert(std::span<const std::byte> bytes, std::span<Scalar> values, Convert to_scalar) noexcept {
  const std::byte* source = bytes.data();
  for (Scalar& value : values) {
    Stored stored;
    std::memcpy(&stored, source, sizeof(Stored));
    value = to_scalar(stored);
    source += sizeof(Stored);
  }
}

template <class Stored>
void convert(std::span<const std::byte> bytes, std::span<Scalar> values) noexcept {
  convert<Stored>(bytes, values, [](Stored stored) { return static_cast<Scalar>(stored); });
}

}  // namespace

std::string_view dtype_name(DType dtype) noexcept { return facts(dtype).name; }
std::size_t dtype_bytes(DType dtype) noexcept { return facts(dtype).bytes; }
DType scalar_dtype() noexcept { return sizeof(Scalar) == sizeof(float) ? DType::kF32 : DType::kF64; }

std::optional<DType> dtype_named(std::string_view name) noexcept {
  for (const Facts& fact : kFacts) {
    if (fact.name == name) return fact.dtype;
  }
  return std::nullopt;
}

float float_from_f16(std::uint16_t bits) noexcept {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16U;
  const std::uint32_t exponent = (bits >> 10U) & 0x1FU;
  const std::uint32_t mantissa = bits & 0x3FFU;
  if (exponent == 0) {  // zero or subnormal: mantissa · 2^−24, exact in float
    const float magnitude = std::ldexp(static_cast<float>(mantissa), -24);
    return sign != 0 ? -magnitude : magnitude;
  }
  const std::uint32_t wide = exponent == 0x1FU ? 0xFFU : exponent + 112U;  // the bias changes from 15 to 127
  return std::bit_cast<float>(sign | (wide << 23U) | (mantissa << 13U));
}

float float_from_bf16(std::uint16_t bits) noexcept { return core::bf16_value(bits); }

namespace {

std::uint16_t f16_from_float(float x) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t sign = bits >> 16U & 0x8000U, exponent = bits >> 23U & 0xFFU, mantissa = bits & 0x7FFFFFU;
  if (exponent == 0xFFU) return static_cast<std::uint16_t>(sign | 0x7C00U | mantissa >> 13U);
  if (exponent > 112U) return static_cast<std::uint16_t>(sign | (exponent - 112U) << 10U | mantissa >> 13U);
  return static_cast<std::uint16_t>(sign |
                                    static_cast<std::uint32_t>(std::abs(x) * 0x1p24F));  // subnormal: units of 2^-24
}

}  // namespace

std::vector<std::byte> half_bytes(DType half, std::span<const Scalar> values) {
  std::vector<std::byte> bytes;
  bytes.reserve(2 * values.size());
  for (const Scalar value : values) {
    const auto x = static_cast<float>(value);
    const std::uint16_t bits = half == DType::kBF16 ? core::bf16_bits(x) : f16_from_float(x);
    bytes.push_back(static_cast<std::byte>(bits & 0xFFU));
    bytes.push_back(static_cast<std::byte>(bits >> 8U));
  }
  return bytes;
}

void read_numbers(DType dtype, std::span<const std::byte> bytes, std::span<Scalar> values) noexcept {
  switch (dtype) {
    case DType::kF64:
      return convert<double>(bytes, values);
    case DType::kF32:
      return convert<float>(bytes, values);
    case DType::kF16:
      return convert<std::uint16_t>(bytes, values, [](std::uint16_t b) { return Scalar{float_from_f16(b)}; });
    case DType::kBF16:
      return convert<std::uint16_t>(bytes, values, [](std::uint16_t b) { return Scalar{float_from_bf16(b)}; });
    case DType::kI64:
      return convert<std::int64_t>(bytes, values);
    case DType::kI32:
      return convert<std::int32_t>(bytes, values);
    case DType::kI16:
      return convert<std::int16_t>(bytes, values);
    case DType::kI8:
      return convert<std::int8_t>(bytes, values);
    case DType::kU64:
      return convert<std::uint64_t>(bytes, values);
    case DType::kU32:
      return convert<std::uint32_t>(bytes, values);
    case DType::kU16:
      return convert<std::uint16_t>(bytes, values);
    case DType::kU8:
      return convert<std::uint8_t>(bytes, values);
    case DType::kBool:
      return convert<std::uint8_t>(bytes, values, [](std::uint8_t b) { return Scalar(b != 0); });
  }
}

}  // namespace tempera::nn
