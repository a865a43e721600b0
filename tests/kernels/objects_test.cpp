// The linker keeps one copy of an inline function that several objects carry. If that copy came from an object compiled
// for AVX-512, the program would crash on every processor without it, in code that has nothing to do with kernels.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <memory>
#include <set>
#include <string>

namespace {

using Symbols = std::set<std::string>;

// Weak functions by object, of the library that holds the kernels (binutils' nm: "archive:object:address W name").
std::map<std::string, Symbols> weak_functions() {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen("nm -A -C '" TEMPERA_CORE_LIBRARY "'", "r"), pclose);
  std::map<std::string, Symbols> objects;
  std::array<char, 8192> line{};
  while (std::fgets(line.data(), line.size(), pipe.get()) != nullptr) {
    const std::string text(line.data());
    const std::size_t archive = text.find(".a:"), object = text.find(':', archive + 3), kind = text.find(" W ", object);
    if (archive == std::string::npos || object == std::string::npos) continue;
    Symbols& symbols = objects[text.substr(archive + 3, object - archive - 3)];
    if (kind != std::string::npos) symbols.insert(text.substr(kind + 3, text.size() - kind - 4));
  }
  return objects;
}

bool is_of_one_level(const std::string& symbol) {
  return symbol.find("xsimd::") != std::string::npos &&
         (symbol.find("xsimd::sse4_2") != std::string::npos || symbol.find("xsimd::fma3<") != std::string::npos ||
          symbol.find("xsimd::avx512") != std::string::npos);
}

// What many objects have.
bool is_shared(const std::string& symbol) { return symbol.find("std::vector<") == 0; }

}  // namespace

TEST_CASE("no function compiled for an instruction level can replace one of another object") {
  const auto objects = weak_functions();
  for (const std::string level : {"sse42.cpp.o", "avx2.cpp.o", "avx512.cpp.o", "int_sse42.cpp.o", "int_avx2.cpp.o",
                                  "int_avx512.cpp.o", "int_avx512vnni.cpp.o", "int_amx.cpp.o", "bf16_sse42.cpp.o",
                                  "bf16_avx2.cpp.o", "bf16_avx512.cpp.o", "bf16_avx512bf16.cpp.o", "bf16_amx.cpp.o"}) {
    REQUIRE(objects.contains(level));
    for (const std::string& symbol : objects.at(level)) {
      CAPTURE(level);
      CAPTURE(symbol);
      CHECK(is_of_one_level(symbol));
    }
  }
  // The lists are not empty for want of nm.
  CHECK(std::ranges::any_of(objects, [](const auto& object) { return std::ranges::any_of(object.second, is_shared); }));
}
