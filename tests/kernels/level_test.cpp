// That TEMPERA_ISA is obeyed, in processes of their own, since a process chooses once.
#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>

#include "tempera/core/errors.hpp"
#include "tempera/core/kernels/table.hpp"

namespace {

using namespace tempera::core;

std::string output_of(const std::string& command) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string text;
  std::array<char, 256> part{};
  while (std::fgets(part.data(), part.size(), pipe.get()) != nullptr) text += part.data();
  return text;
}

std::string own_path() {
  std::array<char, 4096> path{};
  return std::string(path.data(), static_cast<std::size_t>(readlink("/proc/self/exe", path.data(), path.size())));
}

// What a fresh process says that is started with TEMPERA_ISA = level.
std::string chosen_with(const std::string& level) {
  return output_of("env -u TEMPERA_ISA REPORT_LEVEL_WITH='" + level + "' '" + own_path() +
                   "' --no-skip -tc='reports the level in use'");
}

}  // namespace

// Not a test but the other process's part; it sets the variable itself because main() skips levels the machine lacks.
TEST_CASE("reports the level in use" * doctest::skip()) {
  const char* level = std::getenv("REPORT_LEVEL_WITH");
  if (level == nullptr) return;
  setenv("TEMPERA_ISA", level, 1);
  try {
    std::printf("level=%s.\n", std::string(isa_name(kernels().level)).c_str());
  } catch (const UnsupportedError& error) {
    std::printf("error=%s.\n", error.what());
  }
}

TEST_CASE("TEMPERA_ISA forces each level that this processor has") {
  for (const Isa level : available_isas()) {
    const std::string name(isa_name(level));
    CHECK(chosen_with(name).find("level=" + name + ".") != std::string::npos);
  }
}

TEST_CASE("an unknown TEMPERA_ISA is an error that lists the levels there are") {
  std::string levels;
  for (const Isa level : available_isas()) levels += (levels.empty() ? "" : ", ") + std::string(isa_name(level));
  for (const std::string name : {"avx1024", "", "AVX2"}) {
    const std::string answer = chosen_with(name);
    CHECK(answer.find("error=TEMPERA_ISA=" + name + ": unknown instruction level") != std::string::npos);
    CHECK(answer.find(levels) != std::string::npos);
  }
}

// The table is pointers and counts of one size each behind the level, so that no list of them can leave one out.
TEST_CASE("no level leaves a slot of the table without a function or a count") {
  static_assert(std::is_trivially_copyable_v<KernelTable> && sizeof(KernelTable) % sizeof(std::uintptr_t) == 0);
  static_assert(offsetof(KernelTable, add) == sizeof(std::uintptr_t));
  for (const Isa level : available_isas()) {
    const KernelTable& t = kernels_of(level);
    CHECK(t.level == level);
    std::array<std::uintptr_t, sizeof(KernelTable) / sizeof(std::uintptr_t)> slots{};
    std::memcpy(slots.data(), &t, sizeof t);
    for (std::size_t i = 1; i < slots.size(); ++i) {
      CAPTURE(i);
      CHECK(slots[i] != 0);
    }
  }
}
