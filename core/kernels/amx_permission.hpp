// Whether AMX may be used: the processor has it, the operating system saves its state, and lets this process use it.
#pragma once

namespace tempera::core::detail {

/// Asks CPUID and XCR0, and at the first call the kernel for permission (arch_prctl(ARCH_REQ_XCOMP_PERM, 18)), which a
/// process needs once before its first tile instruction.
[[nodiscard]] bool amx_int8_usable() noexcept;
[[nodiscard]] bool amx_bf16_usable() noexcept;

}  // namespace tempera::core::detail
