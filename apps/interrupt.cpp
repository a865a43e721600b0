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

// A signal that is ignored stays so: who started the program with nohup means it.
void handle(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    if (sigaction(signal, nullptr, &before) != 0 || before.sa_handler == SIG_IGN) continue;
    sigaction(signal, &action, nullptr);
  }
}

}  // namespace

InterruptGuard::InterruptGuard() {
  requested = false;
  handle(on_signal);
}

// Once a signal came, one more must not turn the exit status that is under way into a death by that signal.
InterruptGuard::~InterruptGuard() {
  if (!requested) handle(SIG_DFL);
}

const std::atomic<bool>& interrupt_requested() noexcept { return requested; }

}  // namespace tempera::cli
