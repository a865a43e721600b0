#include "tempera/core/registry.hpp"

#include <doctest/doctest.h>

namespace {

using namespace tempera::core;

struct Animal {
  virtual ~Animal() = default;
  virtual double legs() const = 0;
};

struct Spider : Animal {
  struct Config {
    double legs = 8;
    void fields(FieldVisitor& v) { v.field("legs", legs, {.help = "how many"}); }
  };
  Spider(const Config& config, double lost) : legs_(config.legs - lost) {}
  double legs() const override { return legs_; }
  double legs_;
};

// Contains things of its own kind.
struct Herd : Animal {
  struct Config {
    std::vector<Clonable<>> members;
    void fields(FieldVisitor& v, const TypeCatalog& animals) {
      v.typed_list("members", animals, members, {.help = "who is in it"});
    }
  };
  Herd(const Config& config, double lost) : count_(static_cast<double>(config.members.size()) - lost) {}
  double legs() const override { return count_; }
  double count_;
};

using Animals = Registry<Animal, NamedFields, double>;

TEST_CASE(
    "a registered type is created by name, keeps its common fields when cloned, and is built with the arguments") {
  Animals animals("animal");
  animals.add<Spider>("spider", "has eight legs");
  auto config = animals.create("spider");
  REQUIRE(config);
  animals.common(*config).name = "itsy";
  static_cast<Animals::Of<Spider>&>(*config).config.legs = 7;
  const auto copy = config->clone();
  CHECK(copy->type() == "spider");
  CHECK(animals.common(*copy).name == "itsy");
  CHECK(animals.make(*copy, 2)->legs() == 5);
  CHECK(animals.create("fly") == nullptr);
  CHECK(animals.help("spider") == "has eight legs");
}

TEST_CASE("names come out sorted and a name cannot be given twice") {
  Animals animals("animal");
  animals.add<Spider>("zebra", "");
  animals.add<Spider>("ant", "");
  CHECK(animals.names() == std::vector<std::string>{"ant", "zebra"});
  CHECK_THROWS_WITH_AS(animals.add<Herd>("ant", ""), "animal \"ant\" is registered twice", Error);
}

TEST_CASE("a container's members survive copying of the container") {
  Animals animals("animal");
  animals.add<Spider>("spider", "");
  animals.add<Herd>("herd", "");
  auto herd = animals.create("herd");
  static_cast<Animals::Of<Herd>&>(*herd).config.members.emplace_back(animals.create("spider"));
  const auto copy = herd->clone();
  herd.reset();
  CHECK(static_cast<Animals::Of<Herd>&>(*copy).config.members.at(0)->type() == "spider");
  CHECK(animals.make(*copy, 0)->legs() == 1);
}

TEST_CASE("a configuration from another registry is refused by name") {
  Animals animals("animal");
  Registry<Animal, NoCommonFields, double> other("pet");
  other.add<Spider>("spider", "");
  CHECK_THROWS_WITH_AS(static_cast<void>(animals.make(*other.create("spider"), 1)),
                       "\"spider\" is no configuration of kind animal", Error);
}

}  // namespace
