// Which tempera this is.
#pragma once

namespace tempera::cli {

/// "0.1.0"
[[nodiscard]] const char* version() noexcept;
inline constexpr int kFormatVersion = 1;  ///< of run folders and their files; part of a run's hash
/// Git revision the program was built from, with "-dirty" if the tree had changes; "unknown" outside of a checkout.
[[nodiscard]] const char* git_revision() noexcept;

}  // namespace tempera::cli
