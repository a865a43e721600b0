// This processor's measured peak.
#pragma once

namespace tempera::cli::bench {

/// Float operations a second that multiply-adds in registers reach at the instruction level and with the threads in use:
/// the best of several attempts that take `seconds` together.
[[nodiscard]] double peak_flop_rate(double seconds = 0.2);

}  // namespace tempera::cli::bench
