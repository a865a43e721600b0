// Number formats that files store, and how they become tensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "tempera/core/scalar.hpp"

namespace tempera::nn {

/// Formats of the safetensors specification that this project reads.
enum class DType { kF64, kF32, kF16, kBF16, kI64, kI32, kI16, kI8, kU64, kU32, kU16, kU8, kBool };

/// "F32", as in file headers.
[[nodiscard]] std::string_view dtype_name(DType dtype) noexcept;
[[nodiscard]] std::optional<DType> dtype_named(std::string_view name) noexcept;
/// Bytes of one element.
[[nodiscard]] std::size_t dtype_bytes(DType dtype) noexcept;
/// The format of Tensor.
[[nodiscard]] DType scalar_dtype() noexcept;

/// IEEE binary16 and bfloat16 bit patterns as float, exactly (subnormals, infinities and NaN kept).
[[nodiscard]] float float_from_f16(std::uint16_t bits) noexcept;
[[nodiscard]] float float_from_bf16(std::uint16_t bits) noexcept;

/// Numbers that binary16 or bfloat16 (kF16, kBF16) has, as little-endian elements; of others the bits that it has no room for are lost.
[[nodiscard]] std::vector<std::byte> half_bytes(DType half, std::span<const Scalar> values);

/// Converts little-endian elements to the project's number type: exactly for the formats no wider than it, else rounded
/// to nearest. `bytes` holds values.size() elements, at any alignment.
void read_numbers(DType dtype, std::span<const std::byte> bytes, std::span<Scalar> values) noexcept;

}  // namespace tempera::nn
