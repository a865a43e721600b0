// Programs whose numbers were changed at random, as a damaged or hostile file holds them. Oracle: check() promises that what
// passes can be run on any input, so it has to give the reference's integers, and none outside of its buffers.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "quant/random_program.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/quant/engine.hpp"
#include "tempera/quant/program_json.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;

// The lists of a program in memory.
class Lists final : public ListStore, public ListSource {
 public:
  using List =
      std::variant<std::vector<std::int32_t>, std::vector<std::int64_t>, std::vector<float>, std::vector<std::int8_t>>;

  void put(const std::string& name, const std::vector<std::int32_t>& values) override { lists[name] = values; }
  void put(const std::string& name, const std::vector<std::int64_t>& values) override { lists[name] = values; }
  void put(const std::string& name, const std::vector<float>& values) override { lists[name] = values; }
  void put_packed(const std::string& name, const std::vector<std::int8_t>& values, int /*bits*/) override {
    lists[name] = values;
  }
  void get(const std::string& name, std::vector<std::int32_t>& values) const override { values = list(name, values); }
  void get(const std::string& name, std::vector<std::int64_t>& values) const override { values = list(name, values); }
  void get(const std::string& name, std::vector<float>& values) const override { values = list(name, values); }
  [[nodiscard]] std::vector<std::int8_t> get_packed(const std::string& name, std::size_t count,
                                                    int /*bits*/) const override {
    std::vector<std::int8_t> values = list(name, std::vector<std::int8_t>{});
    if (values.size() != count) throw core::Error("a weight of another size");
    return values;
  }

  std::map<std::string, List> lists;

 private:
  template <class T>
  [[nodiscard]] const std::vector<T>& list(const std::string& name, const std::vector<T>& /*kind*/) const {
    const auto found = lists.find(name);
    if (found == lists.end()) throw core::Error("has no " + name);
    return std::get<std::vector<T>>(found->second);
  }
};

class Changer {
 public:
  explicit Changer(std::uint64_t seed) : random_(seed) {}

  void change(nlohmann::json& structure, Lists& lists) {
    for (std::uint64_t n = 1 + random_() % 3; n > 0; --n) {
      if (random_() % 3 == 0) {
        change(std::next(lists.lists.begin(), below(lists.lists.size()))->second);
      } else {
        change(structure);
      }
    }
  }

 private:
  std::ptrdiff_t below(std::size_t n) { return static_cast<std::ptrdiff_t>(random_() % n); }

  std::int64_t other(std::int64_t x) {
    constexpr std::array<std::int64_t, 22> kEdges{0,    1,    2,      3,      7,      8,          127,        128,
                                                  255,  256,  32767,  32768,  65535,  65536,      2147483647, -1,
                                                  -128, -129, -32768, -32769, -65536, -2147483648};
    switch (random_() % 6) {
      case 0:
        return x + 1;
      case 1:
        return x - 1;
      case 2:
        return 2 * x;
      case 3:
        return x / 2;
      case 4:
        return -x;
      default:
        return kEdges[random_() % kEdges.size()];
    }
  }

  // One number, or as often all numbers that are equal: shapes of neighbours stay in agreement.
  void change(nlohmann::json& structure) {
    std::vector<nlohmann::json*> numbers;
    collect(structure, numbers);
    nlohmann::json& one = *numbers[static_cast<std::size_t>(below(numbers.size()))];
    const auto from = one.get<std::int64_t>();
    const std::int64_t to = other(from);
    const bool all = random_() % 2 == 0;
    for (nlohmann::json* number : numbers) {
      if (number == &one || (all && *number == from)) *number = to;
    }
  }
  static void collect(nlohmann::json& value, std::vector<nlohmann::json*>& numbers) {
    if (value.is_number_integer()) numbers.push_back(&value);
    if (!value.is_structured()) return;
    for (nlohmann::json& part : value) collect(part, numbers);
  }

  void change(Lists::List& list) {
    std::visit(
        [this]<class T>(std::vector<T>& values) {
          if (values.empty()) return;
          T& value = values[static_cast<std::size_t>(below(values.size()))];
          if constexpr (std::is_floating_point_v<T>) {
            constexpr std::array<T, 6> kEdges{0.5F, 2.0F, 1e-38F, 1e-45F, 3e38F, 1e9F};
            value = kEdges[random_() % kEdges.size()];
          } else {
            value = static_cast<T>(other(value));
          }
        },
        list);
  }

  std::mt19937_64 random_;
};

// Cells to hold and to look at, about: shapes may have grown beyond what a test has time for.
double work_of(const Program& program) {
  double cells = 0;
  for (const ProgramBuffer& buffer : program.buffers) cells += static_cast<double>(buffer.shape.numel());
  for (const Instruction& in : program.instructions) {
    const core::Shape& y = program.buffers[static_cast<std::size_t>(in.output)].shape;
    if (const auto* conv = std::get_if<program::Conv2d>(&in.operation)) {
      const core::Shape &x = program.buffers[static_cast<std::size_t>(in.inputs[0])].shape, &w = conv->weight.shape;
      cells += static_cast<double>(y.numel()) * static_cast<double>(w.numel()) / static_cast<double>(w[0]);
      cells += static_cast<double>(x[0] * (x[1] + 2 * conv->padding[0]) * (x[2] + 2 * conv->padding[1]));
    }
    const auto pooled = [&](const auto& pool) {
      cells += static_cast<double>(y.numel()) * static_cast<double>(pool.size[0] * pool.size[1]);
    };
    if (const auto* pool = std::get_if<program::MaxPool2d>(&in.operation)) pooled(*pool);
    if (const auto* pool = std::get_if<program::AvgPool2d>(&in.operation)) pooled(*pool);
  }
  return cells;
}

// What check() lets pass of a random program with changes, if it is small.
std::optional<Program> changed_program(std::uint64_t seed) {
  try {
    Lists lists;
    nlohmann::json structure = program_structure(quant_test::random_program(seed), lists);
    Changer(seed).change(structure, lists);
    Program program = program_from(structure, lists);
    check(program);
    if (work_of(program) > 1e6) return std::nullopt;
    return program;
  } catch (const core::Error&) {
    return std::nullopt;
  }
}

}  // namespace

TEST_CASE("a program with some numbers changed is refused, or gives the reference's integers within its buffers") {
  int passed = 0;
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    const std::optional<Program> program = changed_program(seed);
    if (!program) continue;
    ++passed;
    CAPTURE(seed);
    const core::Tensor x = quant_test::random_samples(*program, 3, seed);
    std::vector<IntTensor> expected;
    static_cast<void>(run_reference(*program, x, [&](std::size_t i, const IntTensor& value) {
      expected.push_back(value);
      const ProgramBuffer& buffer = program->buffers[static_cast<std::size_t>(program->instructions[i].output)];
      if (buffer.cell == Cell::kS32) return;
      const auto [low, high] = std::ranges::minmax(value.values);
      REQUIRE(low >= buffer.low);
      REQUIRE(high <= buffer.high);
    }));
    Engine engine(*program);
    REQUIRE(std::ranges::equal(engine.run(x), expected.back().values));
    static_cast<void>(
        engine.run(x, [&](std::size_t i, const IntTensor& value) { REQUIRE(value.values == expected[i].values); }));
  }
  CHECK(passed > 200);
}
