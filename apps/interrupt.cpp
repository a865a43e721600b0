#include "tempera/apps/interrupt.hpp"

#include <unistd.h>

#include <csignal>

namespace tempera::cli {
namespace {

constexpr int kInterruptedStatus = 130;
std::atomic<bool> requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

void on_signal(int) {
  if (requested.exchange(true)) _exit(kInterruptedStatus);
}

void handle(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

InterruptGuard::InterruptGuard() {
  requested = false;
  handle(on_signal);
}

InterruptGuard::~InterruptGuard() { handle(SIG_DFL); }

const std::atomic<bool>& interrupt_requested() noexcept { return requested; }

}  // namespace tempera::cli
