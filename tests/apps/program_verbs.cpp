// The verbs that look at models and data. Oracles: the run's own summary, counts by hand, and the formats' definitions.
#include <doctest/doctest.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "pixel_set.hpp"
#include "smoke.hpp"

using namespace program;
using nlohmann::json;

TEST_CASE("eval of a run measures what its summary says, on either split") {
  for (const char* split : {"test", "validation"}) {
    const json measured = result({"eval", finished_smoke().string(), "--split", split});
    const json noted = json_in(finished_smoke() / "summary.json")["results"]["float"][split];
    for (const char* key : {"n", "errors", "accuracy", "loss", "nll", "ece"}) CHECK(measured[key] == noted[key]);
  }
}

TEST_CASE("dumped logits are a NumPy array of 200 rows whose largest elements make the errors of the summary") {
  TemporaryFolder folder;
  const json measured = result({"eval", finished_smoke().string(), "--dump-logits", (folder / "logits.npy").string()});
  const std::string bytes = content(folder / "logits.npy");
  REQUIRE(bytes.size() > 10);
  CHECK(bytes.substr(0, 8) == std::string("\x93NUMPY\x01\x00", 8));
  const auto header = static_cast<unsigned char>(bytes[8]) + 256U * static_cast<unsigned char>(bytes[9]);
  CHECK((10 + header) % 64 == 0);
  const std::string dictionary = bytes.substr(10, header);
  CHECK(has(dictionary, "'descr': '<f4'"));
  CHECK(has(dictionary, "'fortran_order': False"));
  CHECK(has(dictionary, "'shape': (200, 10"));
  CHECK(dictionary.back() == '\n');
  REQUIRE(bytes.size() == 10 + header + 200 * 10 * sizeof(float));
  std::vector<float> logits(10);
  const auto index = json_in(finished_smoke() / "temperature.json")["sample"]["index"].get<std::size_t>();
  std::memcpy(logits.data(), bytes.data() + 10 + header + index * 10 * sizeof(float), 10 * sizeof(float));
  CHECK(json_in(finished_smoke() / "temperature.json")["sample"]["logits"].get<std::vector<float>>() == logits);
}

TEST_CASE("a dynamically quantized model runs on integers, from its packed file alone too") {
  TemporaryFolder folder;
  const auto config = write(folder / "dynamic.json", R"({"quantization": {"rules": [
      {"sites": "*.weight", "quantizer": {"type": "uniform", "bits": 4, "granularity": "per_group", "group": 28}},
      {"sites": "fc*.input", "how": "dynamic", "quantizer": {"type": "uniform", "bits": 8}}]}})");
  const json quantized = result(
      {"quantize", finished_smoke().string(), "--config", config.string(), "--out", (folder / "quantized").string()});
  const json& errors = quantized["results"];
  CHECK(errors["float"]["test"]["errors"] ==
        json_in(finished_smoke() / "summary.json")["results"]["float"]["test"]["errors"]);
  for (const char* mode : {"fake_quant", "integer"}) {
    const json again = result({"eval", (folder / "quantized").string(), "--mode", mode});
    CHECK(again["errors"] == errors[mode]["test"]["errors"]);
    CHECK(again["nll"] == errors[mode]["test"]["nll"]);
  }
  std::filesystem::rename(folder / "quantized" / "packed.safetensors", folder / "alone.safetensors");
  const json alone = result({"eval", (folder / "alone.safetensors").string()});
  CHECK(alone["mode"] == "integer");
  CHECK(alone["nll"] == errors["integer"]["test"]["nll"]);
  // Half a byte a weight, a scale for 28 of them, biases, and what says how it was made.
  const std::int64_t weights = 784 * 32 + 32 * 10;
  CHECK(quantized["model"]["bytes"]["packed"].get<std::int64_t>() < weights / 2 + 4 * (weights / 28 + 60) + 8192);

  const json proof = result({"verify", (folder / "quantized").string()});
  CHECK(proof["equal"] == true);
  CHECK(proof["images"] == 200);
  CHECK(proof["values"] == 200 * (32 + 10));
  CHECK(proof["float_form"]["activations_differ"].is_null());
  const Finished trained =
      run_tempera(smoke(folder / "trained", {"--set", "train.initial=" + (folder / "alone.safetensors").string()}));
  CHECK(trained.status != 0);
  CHECK(has(trained.err, "packed integers"));
  const Finished lowered = run_tempera({"quantize", finished_smoke().string(), "--config", config.string(), "--set",
                                        "lower={}", "--out", (folder / "lowered").string()});
  CHECK(lowered.status == 2);
  CHECK(has(lowered.err, "/lower"));
  CHECK(has(lowered.err, "dynamic"));
}

TEST_CASE("describe counts parameters and multiply-adds as by hand") {
  const json mlp = result({"describe", "configs/mnist-mlp.json", "--no-estimate"});
  CHECK(mlp["parameters"] == 784 * 128 + 128 + 128 * 10 + 10);
  CHECK(mlp["multiply_adds"] == 784 * 128 + 128 * 10);
  const json lenet = result({"describe", "configs/mnist-lenet.json", "--no-estimate"});
  CHECK(lenet["parameters"] == 20 * 25 + 20 + 50 * 20 * 25 + 50 + 800 * 500 + 500 + 500 * 10 + 10);
  const json cnn = result({"describe", "configs/mnist-cnn.json", "--no-estimate"});
  CHECK(cnn["parameters"] == 32 * 9 + 32 + 64 * 32 * 9 + 64 + 9216 * 128 + 128 + 128 * 10 + 10);
  CHECK(result({"describe", finished_smoke().string(), "--no-estimate"})["parameters"] == 25450);
}

TEST_CASE("describe measures training in the precision of the config, and says which") {
  for (const std::string precision : {"float32", "bf16"}) {
    const json training =
        result({"describe", "configs/smoke.json", "--set", "train.precision=" + precision})["training"];
    CHECK(training["precision"] == precision);
    CHECK(training["samples_per_second"] > 0);
  }
}

TEST_CASE("a run compared with itself has no sample that only one gets wrong, and probability one") {
  const json both = result({"compare", finished_smoke().string(), finished_smoke().string()});
  REQUIRE(both["pairs"].size() == 1);
  CHECK(both["pairs"][0]["only_first_wrong"] == 0);
  CHECK(both["pairs"][0]["only_second_wrong"] == 0);
  CHECK(both["pairs"][0]["mcnemar_p"] == 1);
  CHECK(both["runs"][1]["errors"] == json_in(finished_smoke() / "summary.json")["results"]["float"]["test"]["errors"]);
}

TEST_CASE("explain tells type, range, unit and default of a field, and the nearest name of one that is not there") {
  const Finished batch = run_tempera({"explain", "train.batch"});
  for (const char* fact : {"integer", "samples", "64"}) CHECK_MESSAGE(has(batch.out, fact), fact);
  const Finished wrong = run_tempera({"explain", "train.bach"});
  CHECK(wrong.status == 2);
  CHECK(has(wrong.err, "\"batch\""));
}

TEST_CASE("bench prints one JSON line in the format of the peers' scripts") {
  const Finished done = run_tempera({"bench", "infer", "--workload", "mlp128", "--seconds", "0.05"});
  REQUIRE_MESSAGE(done.status == 0, done.err);
  CHECK(done.out.find('\n') == done.out.size() - 1);
  const json line = json::parse(done.out);
  CHECK(line["workload"] == "mlp128");
  CHECK(line["batch"] == 1);
  CHECK(line["samples_per_s"] > 0);
}

TEST_CASE(
    "a profile of integers names the steps of the program and of the dynamic products, which take most of the time") {
  for (const std::string numerics : {"int8", "dynamic_int8"}) {
    CAPTURE(numerics);
    const json profile = result({"bench", "infer", "--workload", "mlp1200", "--numerics", numerics, "--seconds", "0.1",
                                 "--threads", "1", "--profile"});
    double share = 0;
    for (const json& operation : profile["operations"]) {
      const bool product = operation["op"] == "linear" || operation["op"] == "integer product";
      if (product && has(operation["scope"], "linear")) share += operation["share"].get<double>();
    }
    CHECK(share > 0.5);
    CHECK(profile["phases"]["outside"] < 0.3);
  }
}

TEST_CASE("bench refuses times that are no number of seconds") {
  for (const char* seconds : {"nan", "inf", "-1", "0", "soon"}) {
    const Finished refused = run_tempera({"bench", "infer", "--seconds", seconds});
    CHECK(refused.status == 2);
    CHECK_MESSAGE(has(refused.err, "--seconds"), refused.err);
  }
}

TEST_CASE("a verb that is none fails and names the nearest, with --help as without") {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"evil"}, std::vector<std::string>{"evil", "--help"},
        std::vector<std::string>{"evil", "-h"}}) {
    const Finished done = run_tempera(arguments);
    CHECK(done.status == 2);
    CHECK(done.out.empty());
    CHECK_MESSAGE(has(done.err, "\"eval\""), done.err);
  }
  CHECK(run_tempera({"bench", "trane", "--help"}).status == 2);
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--help"}, std::vector<std::string>{"eval", "--help"},
        std::vector<std::string>{"bench", "train", "-h"}}) {
    const Finished help = run_tempera(arguments);
    CHECK(help.status == 0);
    CHECK(has(help.out, "--help"));
  }
}

TEST_CASE("eval on another set does not ask it for as many validation samples as the model's own had") {
  TemporaryFolder folder;
  write_part(folder.path(), "train", 1500, 1, 0);
  write_part(folder.path(), "test", 3, 1, 0);
  write(folder / "c.json", R"({"name": "x", "data": {"name": "npy", "dir": ".", "validation": 1200, "classes": 2,
      "files": {"train_images": "train_images.npy", "train_labels": "train_labels.npy",
                "test_images": "test_images.npy", "test_labels": "test_labels.npy"},
      "synthetic": {"height": 4, "width": 4, "classes": 2}},
      "model": {"layers": [{"type": "flatten"}, {"type": "linear", "out": 2}]}, "train": {"epochs": 1}})");
  const Finished trained = run({.arguments = {"run", "c.json", "--out", "r"}, .folder = folder.path()});
  REQUIRE_MESSAGE(trained.status == 0, trained.err);
  for (const auto& [split, n] : {std::pair("test", 200), std::pair("train", 1000)}) {
    const Finished done = run(
        {.arguments = {"eval", "r", "--data", "synthetic_blobs", "--split", split, "--json"}, .folder = folder.path()});
    REQUIRE_MESSAGE(done.status == 0, done.err);
    CHECK(json::parse(done.out)["n"] == n);
  }
  const Finished kept =
      run({.arguments = {"eval", "r", "--data", "npy", "--split", "train", "--json"}, .folder = folder.path()});
  CHECK(json::parse(kept.out)["n"] == 300);
}

TEST_CASE("bench refuses a batch that the set does not fill, in training and in inference") {
  for (const char* verb : {"train", "infer"}) {
    const Finished refused = run_tempera({"bench", verb, "--batch", "60001", "--seconds", "0.05"});
    CHECK(refused.status == 2);
    CHECK(has(refused.err, "--batch 60001"));
    CHECK(has(refused.err, "0000 samples"));
  }
}

TEST_CASE("bench refuses numerics that a verb does not measure as wrong usage and lists those that it does") {
  const Finished train = run_tempera({"bench", "train", "--numerics", "int8", "--seconds", "0.05"});
  CHECK(train.status == 2);
  CHECK(has(train.err, "bench train measures float, bf16, qat"));
  for (const char* numerics : {"qat", "bf16"}) {
    const Finished infer = run_tempera({"bench", "infer", "--numerics", numerics, "--seconds", "0.05"});
    CHECK(infer.status == 2);
    CHECK(has(infer.err, "bench infer measures float, int8, dynamic_int8"));
  }
}

TEST_CASE("bench trains in bf16 and says how it is multiplied") {
  const json line = json::parse(
      run_tempera({"bench", "train", "--workload", "mlp128", "--numerics", "bf16", "--seconds", "0.05"}).out);
  CHECK(has(line["peer"].get<std::string>(), "train-bf16"));
  CHECK(line["samples_per_s"] > 0);
  CHECK_FALSE(line["bf16"].get<std::string>().empty());
}

TEST_CASE("a run in bf16 says so in its provenance and on the terminal, and is evaluated in float32") {
  TemporaryFolder folder;
  const Finished run = run_tempera(smoke(folder / "run", {"--set", "train.precision=bf16", "--set", "train.epochs=1"}));
  REQUIRE_MESSAGE(run.status == 0, run.err);
  CHECK(has(run.err, "bf16 is "));
  const json provenance = json_in(folder / "run" / "provenance.json");
  CHECK(provenance["precision"] == "bf16");
  const std::string how = provenance["bf16"];
  const json formats = result({"hardware"})["formats"];
  for (const json& format : formats) {
    if (format["format"] == "bf16") CHECK(has(format["kernel"], "no speed over fp32") == (how == "emulated"));
  }
  const json noted = json_in(folder / "run" / "summary.json")["results"]["float"]["test"];
  CHECK(result({"eval", (folder / "run").string()})["nll"] == noted["nll"]);
  CHECK(json_in(finished_smoke() / "provenance.json")["precision"] == "float32");
  CHECK_FALSE(json_in(finished_smoke() / "provenance.json").contains("bf16"));
}

TEST_CASE("report makes one page of one run and one of two, and refuses what is no run") {
  TemporaryFolder folder;
  const std::string run = finished_smoke().string();
  for (const std::vector<std::string>& runs : {std::vector<std::string>{run}, std::vector<std::string>{run, run}}) {
    std::vector<std::string> arguments{"report", "--out", (folder / "page.html").string()};
    arguments.insert(arguments.end(), runs.begin(), runs.end());
    REQUIRE(run_tempera(arguments).status == 0);
    const std::string page = content(folder / "page.html");
    CHECK(page.starts_with("<!DOCTYPE html>"));
    CHECK(has(page, "</html>"));
    CHECK_FALSE(has(page, "src=\"http"));
  }
  CHECK(run_tempera({"report", folder.path().string()}).status == 1);
}

TEST_CASE("data check refuses a set of unknown content and a folder whose files are not the set") {
  CHECK(run_tempera({"data", "check", "cifar"}).status == 2);
  TemporaryFolder folder;
  for (const char* name :
       {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}) {
    write(folder / name, "nothing");
  }
  const Finished done = run_tempera({"data", "check", "mnist", "--dir", folder.path().string()});
  CHECK(done.status == 1);
  CHECK(has(done.err, folder.path().string()));
}

TEST_CASE("data check of a set that is here counts its images and takes less time than the process it runs in") {
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist")) {
    MESSAGE("skipped: Debian's dataset-fashion-mnist is not installed");
    return;
  }
  const auto begin = std::chrono::steady_clock::now();
  const json checked = result({"data", "check", "fashion_mnist", "--dir", "/usr/share/datasets/fashion-mnist"});
  const double whole = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  CHECK(checked["valid"] == true);
  CHECK(checked["train"] == 60000);
  CHECK(checked["test"] == 10000);
  CHECK(checked["seconds"].get<double>() > 1e-3);  // 55 MB have to be hashed
  CHECK(checked["seconds"].get<double>() < whole);
}
