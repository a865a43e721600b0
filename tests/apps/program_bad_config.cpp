// Configs that are wrong. Oracle: the contract's rule that they end with status 2 before any file is written, and name the
// place and what is near.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "smoke.hpp"

using namespace program;

namespace {

struct Mistake {
  std::string set;                 // of the smoke config
  std::vector<std::string> facts;  // that the message must state
};

void check_refused(const Finished& done, const std::vector<std::string>& facts) {
  CAPTURE(done.err);
  CHECK(done.status == 2);
  CHECK(done.out.empty());
  for (const std::string& fact : facts) CHECK_MESSAGE(has(done.err, fact), fact);
}

}  // namespace

TEST_CASE("a wrong config ends with status 2, says where and why, and leaves no folder") {
  const std::vector<Mistake> mistakes{
      {"train.epochz=3", {"/train/epochz", "\"epochs\""}},
      {"train.batch=many", {"/train/batch", "integer", "many"}},
      {"optimizer.learning_rate=-1", {"/optimizer/learning_rate", "-1"}},
      {"optimizer.learning_rate=NaN", {"/optimizer/learning_rate", "number"}},
      {"optimizer.learning_rate=Infinity", {"/optimizer/learning_rate", "number"}},
      {"train.epochs=2.5", {"/train/epochs", "integer"}},
      {"train.precision=fp16", {"/train/precision", "float32, bf16"}},
      {"model.layers.fc1.type=liner", {"/model/layers/1/type", "\"linear\""}},
      {"model.layers=[]", {"/model/layers", "at least one layer"}},
      {"model.layers.fc2.out=7", {"/model/layers", "[7]", "[10]"}},
      {R"(model.layers=[{"type":"linear","out":10}])", {"/model/layers", "flatten"}},
      {"model.layers.fc1.out=1300000000", {"/model/layers", "parameters", "GB"}},
      {"schedule.target=optimizer.momentu", {"/schedule/target", "\"momentum\""}},
      {R"(schedules=[{"type":"linear","target":"x"}])", {"/schedules/0/target"}},
      {R"(schedule={"type":"linear","to":-5})", {"/schedule: ", "learning_rate", "≥ 0", "to -5 at epoch 2"}},
      {R"(schedule={"type":"linear","from":-1,"to":0.1})", {"/schedule: ", "≥ 0", "epoch 0"}},
      {R"(schedules=[{"type":"linear","target":"optimizer.momentum","to":5}])",
       {"/schedules/0: ", "momentum", "≤ 0.99"}},
      {R"(schedules=[{"type":"step","target":"optimizer.momentum","factor":10,"at":[1]}])",
       {"/schedules/0: ", "momentum", "epoch 1"}},
      {R"(schedules=[{"type":"exponential","decay":1e200}])", {"/schedules/0: ", "to inf"}},
      {"temperature.index=200", {"/temperature/index", "200"}},
      {"temperature.label=10", {"/temperature/label", "10"}},
      {"data.validation=1000", {"/data/validation", "1000"}},
      {"data.name=mnst", {"/data/name", "\"mnist\""}}};
  for (const Mistake& mistake : mistakes) {
    TemporaryFolder folder;
    CAPTURE(mistake.set);
    check_refused(run_tempera(smoke(folder / "run", {"--set", mistake.set})), mistake.facts);
    CHECK_FALSE(std::filesystem::exists(folder / "run"));
  }
}

TEST_CASE("a model to start from that is not there is refused with its place, by a dry run, too") {
  TemporaryFolder folder;
  const auto missing = folder / "nowhere";
  for (const char* more : {"--threads=1", "--dry-run"}) {
    check_refused(run_tempera(smoke(folder / "run", {"--set", "train.initial=" + missing.string(), more})),
                  {"/train/initial", missing.string(), "folder that tempera is run in"});
    CHECK_FALSE(std::filesystem::exists(folder / "run"));
  }
}

TEST_CASE("repairs of weights are refused before training where a layer has no place in the network's graph") {
  TemporaryFolder folder;
  const std::string layers = R"(model.layers=[{"type":"flatten"},{"type":"linear","name":"fc1","out":8},
      {"type":"layer_norm","name":"norm"},{"type":"linear","name":"fc2","out":10}])";
  for (const char* repair : {"\"equalize\": true", "\"bias_correction\": true", "\"adaround\": {}"}) {
    CAPTURE(repair);
    const std::string section = R"(quantization={"when": "after", "calibration": {)" + std::string(repair) +
                                R"(}, "rules": [{"sites": "*.weight", "quantizer": "uniform"}]})";
    check_refused(run_tempera(smoke(folder / "run", {"--set", layers, "--set", section})),
                  {"/quantization/calibration", "layer_norm \"norm\""});
  }
}

TEST_CASE("a last batch of one sample is refused before training where batch norm would meet it, and only there") {
  TemporaryFolder folder;
  const std::string layers = R"(model.layers=[{"type":"flatten"},{"type":"linear","out":10},{"type":"batch_norm"}])";
  const std::vector<std::string> odd{"--set", layers, "--set", "train.batch=31"};  // 900 = 29·31 + 1
  check_refused(run_tempera(smoke(folder / "run", odd)), {"/train/batch", "one sample", "900"});
  std::vector<std::string> dropped = odd;
  dropped.insert(dropped.end(), {"--set", "train.drop_last=true"});
  CHECK(run_tempera(smoke(folder / "run", dropped)).status == 0);
}

TEST_CASE("batches of one sample are refused where batch norm would have one value a channel, and only there") {
  TemporaryFolder folder;
  const auto with = [&](const std::string& layers) {
    return run_tempera(smoke(folder / "run", {"--set", "model.layers=" + layers, "--set", "train.batch=1", "--set",
                                              "data.train_limit=20", "--set", "train.epochs=1"}));
  };
  check_refused(with(R"([{"type":"flatten"},{"type":"linear","out":10},{"type":"batch_norm","name":"bn"}])"),
                {"/train/batch", "2 or more", "\"bn\""});
  check_refused(with(R"([{"type":"conv2d","out":4,"kernel":28},{"type":"batch_norm"},{"type":"flatten"},)"
                     R"({"type":"linear","out":10}])"),
                {"/train/batch", "batch_norm"});  // maps of one cell
  CHECK_FALSE(std::filesystem::exists(folder / "run"));
  const Finished maps = with(R"([{"type":"batch_norm"},{"type":"flatten"},{"type":"linear","out":10}])");
  CHECK_MESSAGE(maps.status == 0, maps.err);
}

TEST_CASE("a study's value that breaks another layer is named by path and value") {
  TemporaryFolder folder;
  const Finished done = run_tempera(
      smoke(folder / "run",
            {"--set",
             R"(model.layers=[{"type":"conv2d","name":"c1","out":2,"kernel":3},{"type":"conv2d","out":2,"kernel":20},)"
             R"({"type":"flatten"},{"type":"linear","out":10}])",
             "--set", R"(study={"vary":{"model.layers.c1.kernel":[3,15]}})"}));
  check_refused(done, {"/model/layers/1", "(in the run with model.layers.c1.kernel=15)"});
  CHECK_FALSE(std::filesystem::exists(folder / "run"));
}

TEST_CASE("values of quantizers are not to be rounded again while they are trained, and may be afterwards") {
  TemporaryFolder folder;
  const auto quantized = [&](const char* when) {
    return std::vector<std::string>{"run",   "configs/smoke-quant.json",
                                    "--out", (folder / "run").string(),
                                    "--set", "train.precision=bf16",
                                    "--set", "train.epochs=1",
                                    "--set", std::string("quantization.when=") + when};
  };
  check_refused(run_tempera(quantized("aware")), {"/train", "bf16", "\"after\""});
  CHECK_FALSE(std::filesystem::exists(folder / "run"));
  const Finished after = run_tempera(quantized("after"));
  CHECK_MESSAGE(after.status == 0, after.err);
}

TEST_CASE("NaN and infinity are no numbers in a config file, and an error there has its line") {
  TemporaryFolder folder;
  for (const char* number : {"NaN", "Infinity", "-Infinity", "1e999"}) {
    const auto file = write(folder / "config.json", std::string("{\n  \"train\": {\n    \"epochs\": ") + number + "}}");
    CAPTURE(number);
    check_refused(run_tempera({"run", file.string()}), {"config.json:3"});
  }
}

TEST_CASE("configs that are missing, are folders or extend themselves are refused, all mistakes at once") {
  TemporaryFolder folder;
  check_refused(run_tempera({"run", (folder / "none.json").string()}), {"none.json", "No such file"});
  check_refused(run_tempera({"run", folder.path().string()}), {"folder"});
  const auto first = write(folder / "first.json", R"({"extends": "second.json"})");
  write(folder / "second.json", R"({"extends": "first.json"})");
  check_refused(run_tempera({"run", first.string()}), {"extends itself", "second.json"});
  check_refused(run_tempera({"run", "configs/smoke.json", "--set", "seeed=1", "--set", "train.bach=2"}),
                {"seeed", "/train/bach"});
}

TEST_CASE("two layers of one name, and a name like a path, are told with their line and pointer, by describe as well") {
  TemporaryFolder folder;
  const std::string extends = R"({"extends": ")" + std::filesystem::absolute("configs/smoke.json").string() + "\",\n";
  const auto config = [&](const std::string& name) {
    return write(folder / "config.json", extends + R"("model": {"layers": [{"type": "flatten"},
{"type": "linear", "name": "a", "out": 8},
{"type": "linear", "name": ")" + name + R"(", "out": 10}]}})");
  };
  for (const char* name : {"a", "b/c"}) {
    const std::string file = config(name).string();
    check_refused(run_tempera({"run", file, "--dry-run"}), {"config.json:4: /model/layers/2/name: "});
    check_refused(run_tempera({"describe", file}), {"config.json:4: /model/layers/2/name: "});
  }
}

TEST_CASE("more validation than the set has is told together with a model that does not fit") {
  const std::vector<std::string> wrong{"--set", "data.validation=1000", "--set", "model.layers.fc2.out=7"};
  TemporaryFolder folder;
  std::vector<std::string> dry = smoke(folder / "run", wrong);
  check_refused(run_tempera(dry), {"/data/validation", "give at most 999", "/model/layers", "[7]"});
  dry.emplace_back("--dry-run");
  check_refused(run_tempera(dry), {"/data/validation", "/model/layers"});
  CHECK_FALSE(std::filesystem::exists(folder / "run"));
}

TEST_CASE("a name that no folder may have is told with the other mistakes, not after them") {
  const Finished done = run_tempera(
      {"run", "configs/smoke.json", "--dry-run", "--set", "name=a/b", "--set", "train.batch=0", "--set", "tran=1"});
  check_refused(done, {"/name", "/train/batch", "/tran"});
}

TEST_CASE("a mistake in what a study varies points to the value of the study, a wrong path once for all its values") {
  TemporaryFolder folder;
  const auto config =
      write(folder / "a.json", R"({"extends": ")" + std::filesystem::absolute("configs/smoke.json").string() +
                                   "\", \"study\": {\"vary\": {\n\"train.batch\": [3,\n0],\n" +
                                   R"("sead": [1, 2], "model.layers.fc2.out": [10,)" + "\n" +
                                   R"("x"], "size": [{"label": "s", "set": {"seed": -1}}]}}})");
  const Finished done = run_tempera({"run", config.string(), "--dry-run"});
  check_refused(done, {"a.json:3: /study/vary/train.batch/1: ", "a.json:4: /study/vary/sead/0: unknown key",
                       "a.json:5: /study/vary/model.layers.fc2.out/1: ", "/study/vary/size/0/set/seed: "});
  CHECK_FALSE(has(done.err, "/study/vary/sead/1"));
}

// Oracle: the reader takes a whole number for an integer, so that seed 1.0 is seed 1.
TEST_CASE(
    "combinations that come to the same run are refused before anything is written, and so is a study of nothing") {
  TemporaryFolder folder;
  const auto refused = [&](const std::string& study, const std::vector<std::string>& facts) {
    CAPTURE(study);
    check_refused(run_tempera(smoke(folder / "run", {"--set", "study=" + study})), facts);
    CHECK_FALSE(std::filesystem::exists(folder / "run"));
  };
  refused(R"({"vary": {"seed": [1, 1.0], "train.batch": [16, 32]}})",
          {"/study/vary/seed/1: ", "seed=1.0 is the same run as seed=1"});
  refused(R"({"vary": {"train.batch": [16, 32], "size": [{"label": "a", "set": {"train.epochs": 2}}, )"
          R"({"label": "b", "set": {"train.epochs": 2.0}}]}})",
          {"/study/vary/size/1: ", R"(size="b" is the same run as size="a")"});
  refused(R"({"vary": {"seed": [1, 2], "a": [{"label": "x", "set": {"seed": 9}}]}, "pair_by": "seed"})",
          {"/study/vary/a/0/set/seed: ", "/study/vary/seed/0"});
  refused(R"({"vary": {}})", {"/study/vary: "});
}

// Oracle: a dropout of rate 3 has no meaning, and of two values for one number a step can use one.
TEST_CASE("a schedule that takes a layer's number out of its range is refused, and so is a second one of a number") {
  TemporaryFolder folder;
  const auto refused = [&](const std::string& schedules, const std::vector<std::string>& facts) {
    const std::string layers =
        R"(model.layers=[{"type":"flatten"},{"type":"dropout","name":"d"},{"type":"linear","out":10}])";
    check_refused(run_tempera(smoke(folder / "run", {"--set", layers, "--set", R"(schedule={"type":"cosine"})", "--set",
                                                     "schedules=" + schedules})),
                  facts);
    CHECK_FALSE(std::filesystem::exists(folder / "run"));
  };
  refused(R"([{"type":"linear","target":"model.layers.d.rate","to":3}])", {"/schedules/0: ", "model.layers.d.rate"});
  refused(R"([{"type":"linear","to":0}])", {"/schedules/0/target: ", "optimizer.learning_rate", "/schedule moves"});
  refused(R"([{"type":"linear","target":"model.layers.d.rate"},{"type":"step","target":"model.layers.d.rate"}])",
          {"/schedules/1/target: ", "/schedules/0 moves"});
}

TEST_CASE("a schedule among \"schedules\" may move the learning rate where \"schedule\" is the default, given or not") {
  TemporaryFolder folder;
  for (const std::string given : {"train.epochs=1", R"(schedule={"type":"constant"})"}) {
    const Finished done = run_tempera(
        smoke(folder / "run", {"--dry-run", "--set", given, "--set", R"(schedules=[{"type":"linear","to":0}])"}));
    CHECK_MESSAGE(done.status == 0, done.err);
  }
}

TEST_CASE("training that would end before its quantizers begin is refused, and the last epoch is late enough") {
  const auto started = [](const std::string& epoch, const std::string& when) {
    return run_tempera({"run", "configs/smoke-quant.json", "--set", "quantization.start_epoch=" + epoch, "--set",
                        "quantization.when=" + when, "--dry-run"});
  };
  for (const char* epoch : {"2", "1000000"}) {
    check_refused(started(epoch, "aware"), {"/quantization/start_epoch", "train.epochs", epoch, "of 2 epochs"});
  }
  CHECK(started("1", "aware").status == 0);
  CHECK(started("2", "after").status == 0);  // as in a study that varies `when`
}
