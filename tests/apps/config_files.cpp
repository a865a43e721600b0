#include <doctest/doctest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "apps/config_sample.hpp"
#include "tempera/apps/experiment/content_hash.hpp"
#include "tempera/apps/experiment/load_config.hpp"

namespace {

using namespace sample;
namespace fs = std::filesystem;
using tempera::cli::load_config;

using Files = std::vector<std::pair<std::string, std::string>>;  // name and text

// Files in a folder of their own, which the test's process works in so that messages name them shortly.
class Folder {
 public:
  explicit Folder(const Files& files) : before_(fs::current_path()) {
    path_ = fs::temp_directory_path() / ("tempera-config-" + std::to_string(::getpid()));
    fs::create_directories(path_ / "sub");
    for (const auto& [name, text] : files) std::ofstream(path_ / name) << text;
    fs::current_path(path_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    fs::current_path(before_);
    fs::remove_all(path_);
  }

 private:
  fs::path before_, path_;
};

std::string issues_of(const std::string& file, const std::vector<std::string>& sets = {}) {
  try {
    static_cast<void>(load_config<Experiment>(file, sets));
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

TEST_CASE("objects merge, lists and null replace, later parents win, and the file itself wins over all") {
  const Folder folder(Files{
      {"a.json", R"({"extends": ["sub/b.json", "c.json"], "train": {"epochs": 3}, "temperatures": [7], "soft": null})"},
      {"sub/b.json", R"({"extends": "../d.json", "seed": 2, "train": {"clip": 2}})"},
      {"c.json", R"({"seed": 3, "limit": 5})"},
      {"d.json", R"({"name": "d", "train": {"epochs": 9, "target": 0.5}, "temperatures": [1, 2, 3], "soft": {}})"},
  });
  const auto loaded = load_config<Experiment>("a.json");
  const Experiment& c = loaded.whole.config;
  CHECK(c.name == "d");
  CHECK(c.seed == 3);
  CHECK(c.limit == 5);
  CHECK(c.train.epochs == 3);
  CHECK(c.train.clip == 2);
  CHECK(c.train.target == 0.5);
  CHECK(c.temperatures == std::vector<double>{7});
  CHECK_FALSE(c.soft);
  CHECK(loaded.text.starts_with("{\"extends\""));
  CHECK(loaded.runs.size() == 1);
}

TEST_CASE("another type drops the fields of the type below, the same type keeps them") {
  const Folder folder(Files{{"base.json", R"({"name": "x", "optimizer": {"type": "sgd", "momentum": 0.9}})"},
                            {"same.json", R"({"extends": "base.json", "optimizer": {"learning_rate": 0.5}})"},
                            {"other.json", R"({"extends": "base.json", "optimizer": {"type": "adam"}})"},
                            {"word.json", R"({"name": "x", "optimizer": "adam"})"},
                            {"on_word.json", R"({"extends": "word.json", "optimizer": {"learning_rate": 0.5}})"}});
  const auto optimizer = [](const std::string& file) {
    return canonical_json(*load_config<Experiment>(file).whole.resolved.find("optimizer"));
  };
  CHECK(optimizer("same.json") == R"({"learning_rate":0.5,"momentum":0.9,"type":"sgd"})");
  CHECK(optimizer("other.json") == R"({"betas":[0.9,0.999],"learning_rate":0.001,"type":"adam"})");
  CHECK(optimizer("on_word.json") == R"({"betas":[0.9,0.999],"learning_rate":0.5,"type":"adam"})");
}

TEST_CASE("a mistake in an extended file is told with that file's name and line") {
  const Folder folder(Files{{"a.json", "{\"extends\": \"sub/b.json\",\n\"name\": \"a\", \"sead\": 1}"},
                            {"sub/b.json", "{\n\n\"train\": {\"epochs\": 0}}"}});
  CHECK(issues_of("a.json") ==
        "sub/b.json:3: /train/epochs: must be ≥ 1 and ≤ 1000 (epochs), got 0\n"
        "a.json:2: /sead: unknown key \"sead\"; did you mean \"seed\"?");
}

TEST_CASE("extending itself is told with the whole chain, also through another spelling of the path") {
  const Folder folder(Files{{"a.json", R"({"extends": "b.json"})"},
                            {"b.json", "{\n\"extends\": [\"sub/../sub/c.json\"]}"},
                            {"sub/c.json", R"({"extends": "../a.json"})"},
                            {"self.json", R"({"extends": "self.json"})"}});
  CHECK(issues_of("a.json") == "sub/c.json:1: /extends: extends itself: a.json → b.json → sub/c.json → a.json");
  CHECK(issues_of("self.json") == "self.json:1: /extends: extends itself: self.json → self.json");
}

TEST_CASE("files that are missing, unreadable or no config are told with the place that names them, all at once") {
  const Folder folder(
      Files{{"a.json", "{\"extends\": [\"gone.json\",\n\"sub\", \"list.json\", \"broken.json\", 5, \"\"]}"},
            {"list.json", "\n[1]"},
            {"broken.json", "{\n\"x\": }"}});
  CHECK(issues_of("gone.json") == "gone.json: cannot be read: No such file or directory");
  CHECK(issues_of("sub") == "sub: is a folder, not a config file");
  CHECK(issues_of("list.json") == "list.json:2: must be an object { … }, got a list of 1");
  const std::string text = issues_of("a.json");
  CHECK(
      text.starts_with("a.json:1: /extends/0: gone.json cannot be read: No such file or directory\n"
                       "a.json:2: /extends/1: sub is a folder, not a config file\n"
                       "list.json:2: must be an object { … }, got a list of 1\n"
                       "broken.json:2: /x: not JSON: syntax error"));
  CHECK(
      text.ends_with("a.json:2: /extends/4: must be the path of a config file, got number 5\n"
                     "a.json:2: /extends/5: must be the path of a config file, got text \"\""));
}

TEST_CASE("files that extend one another twice over do not take forever") {
  Files files;
  for (int i = 0; i < 40; ++i) {
    const std::string next = std::to_string(i + 1) + ".json";
    files.emplace_back(std::to_string(i) + ".json", "{\"extends\": [\"" + next + "\", \"" + next + "\"]}");
  }
  files.emplace_back("40.json", "{}");
  const Folder folder(files);
  CHECK(issues_of("0.json").find("extends more than 100 files") != std::string::npos);
}

TEST_CASE("a file that is far too large for a config is refused without being read to its end") {
  const Folder folder(Files{});
  CHECK(issues_of("/dev/zero") == "/dev/zero: is larger than the 16 MB a config may have");
}

TEST_CASE("set values are JSON or plain words and reach elements of lists by index and by name") {
  const Folder folder(Files{{"a.json", R"({"name": "a", "model": [{"type": "conv2d", "name": "c1", "out": 2}],
                                      "optimizer": "adam", "rules": [{}, {}]})"}});
  const auto loaded = load_config<Experiment>(
      "a.json", std::vector<std::string>{"name=plain word", "seed=12", "train.epochs=4", "soft.temperature=20",
                                         "analyses=[\"temperature\"]", "rules.1.bits=4", "model.c1.out=30",
                                         "model.0.kernel=[5, 3]", "optimizer.learning_rate=0.5", "fallback=\"7\""});
  const Experiment& c = loaded.whole.config;
  CHECK(c.name == "plain word");
  CHECK(c.seed == 12);
  CHECK(c.train.epochs == 4);
  CHECK(c.soft->temperature == 20);
  CHECK(c.analyses == std::vector<std::string>{"temperature"});
  CHECK(c.rules[0].bits == 8);
  CHECK(c.rules[1].bits == 4);
  CHECK(c.fallback == "7");
  const auto& conv = static_cast<const Layers::Of<Conv>&>(*c.model[0]).config;
  CHECK(conv.out == 30);
  CHECK(conv.kernel == std::vector<std::int64_t>{5, 3});
  CHECK(c.optimizer->type() == "adam");
}

TEST_CASE("every set that is wrong is told by its own text, together with what is wrong in the file") {
  const Folder folder(
      Files{{"a.json", R"({"name": "a", "seed": -1, "model": [{"type": "conv2d", "name": "c1", "out": 2}]})"}});
  const std::vector<std::string> sets = {"train.epocs=3",
                                         "optimzer.momentum=1",
                                         "train.epochs=many",
                                         "model.3.out=1",
                                         "model.c2.out=1",
                                         "rules.0.bits=3",
                                         "seed",
                                         "a..b=1",

                                         "limit=[1",
                                         "train.clip=1e999",
                                         "=3"};
  CHECK(issues_of("a.json", sets) ==
        R"(--set model.3.out=1: "model.3.out": the list has 1 elements and no "3"; known are c1
--set model.c2.out=1: "model.c2.out": the list has 1 elements and no "c2"; did you mean "c1"?
--set rules.0.bits=3: "rules.0.bits": "rules" is not in the config, so it has no element 0; set the whole list
--set seed: must be PATH=VALUE, such as train.epochs=3
--set a..b=1: "a..b": the path has an empty name
--set limit=[1: not JSON: syntax error while parsing array - unexpected end of input; expected ']' (column 3)
--set =3: must be PATH=VALUE, such as train.epochs=3
a.json:1: /seed: must be ≥ 0, got -1
--set train.epochs=many: /train/epochs: must be an integer (epochs), got text "many"
--set train.clip=1e999: /train/clip: must be a number, got text "1e999"
--set train.epocs=3: /train/epocs: unknown key "epocs"; did you mean "epochs"?
--set optimzer.momentum=1: /optimzer: unknown key "optimzer"; did you mean "optimizer"?)");
}

TEST_CASE("the resolved config is a config that resolves to itself and has the same hash") {
  const Folder folder(
      Files{{"a.json", R"({"name": "a", "optimizer": "adam", "model": ["block"], "train": {"clip": 0.1}})"}});
  const auto first = load_config<Experiment>("a.json");
  std::ofstream("resolved.json") << pretty_json(first.whole.resolved);
  const auto second = load_config<Experiment>("resolved.json");
  CHECK(pretty_json(second.whole.resolved) == pretty_json(first.whole.resolved));
  using tempera::cli::content_hash;
  const std::string hash = content_hash(first.whole.resolved, "d", 1);
  CHECK(content_hash(second.whole.resolved, "d", 1) == hash);
  CHECK(content_hash(first.whole.resolved, "e", 1) != hash);
  CHECK(content_hash(first.whole.resolved, "d", 2) != hash);
  CHECK(content_hash(load_config<Experiment>("a.json", std::vector<std::string>{"seed=2"}).whole.resolved, "d", 1) !=
        hash);
}

}  // namespace
