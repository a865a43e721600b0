// Ctrl-C and termination requests, turned into a flag that long work looks at between steps.
#pragma once

#include <atomic>

namespace tempera::cli {

/// Catches SIGINT, SIGTERM and SIGHUP while alive, where they are not ignored. The first signal sets the flag; a second
/// one ends the process at once (130).
class InterruptGuard {
 public:
  InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
  ~InterruptGuard();
};

[[nodiscard]] const std::atomic<bool>& interrupt_requested() noexcept;

}  // namespace tempera::cli
