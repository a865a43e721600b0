// Entry point of every test program. A forced instruction level this machine lacks counts as skipped, not as passed.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tempera/core/kernels/table.hpp"

namespace {

bool lacks_forced_level() {
  const char* forced = std::getenv("TEMPERA_ISA");
  if (forced == nullptr) return false;
  const auto levels = tempera::core::available_isas();
  return std::ranges::none_of(levels, [&](auto level) { return tempera::core::isa_name(level) == forced; });
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int kSkipped = 77;
  if (lacks_forced_level()) {
    std::puts("skipped: this machine lacks the instruction level of TEMPERA_ISA");
    return kSkipped;
  }
  return doctest::Context(argc, argv).run();
}
