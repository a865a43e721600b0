// Disks that are full, checkpoints and models that are damaged, and numbers that are not finite.
#include <doctest/doctest.h>
#include <sys/mount.h>

#include <filesystem>
#include <string>

#include "smoke.hpp"

using namespace program;
namespace fs = std::filesystem;

namespace {

// A run of two epochs that was killed by the second one's learning rate: the first one's checkpoint is there.
std::vector<std::string> exploding(const fs::path& out, bool resume = false) {
  std::vector<std::string> arguments =
      smoke(out, {"--set", "schedule.type=step", "--set", "schedule.every=1", "--set", "schedule.factor=1e30"});
  if (resume) arguments.emplace_back("--resume");
  return arguments;
}

void cut(const fs::path& file) { fs::resize_file(file, fs::file_size(file) / 2); }

}  // namespace

TEST_CASE("a loss that stops being finite ends the run with its step, its first node and what to lower") {
  TemporaryFolder folder;
  const Finished done = run_tempera(smoke(folder / "run", {"--set", "optimizer.learning_rate=1e30"}));
  CAPTURE(done.err);
  CHECK(done.status == 1);
  CHECK(has(done.err, "step 1"));
  CHECK(has(done.err, "fc2"));
  CHECK(has(done.err, "lower the learning rate"));
  CHECK(json_in(folder / "run" / "summary.json")["status"] == "failed");
  CHECK(leftovers(folder / "run").empty());
}

TEST_CASE("the checkpoint before a loss that is not finite is kept, and is a model") {
  TemporaryFolder folder;
  const Finished done = run_tempera(exploding(folder / "run"));
  CAPTURE(done.err);
  REQUIRE(done.status == 1);
  CHECK(has(done.err, "lower the learning rate"));
  const fs::path last = folder / "run" / "checkpoints" / "last.safetensors";
  const Finished kept = run_tempera({"eval", last.string(), "--json"});
  REQUIRE_MESSAGE(kept.status == 0, kept.err);
  CHECK(nlohmann::json::parse(kept.out)["errors"] < 200);

  cut(last);
  const std::string before = content(last);
  const Finished resumed = run_tempera(exploding(folder / "run", true));
  CHECK(resumed.status == 1);
  CHECK(has(resumed.err, "last.safetensors"));
  CHECK(content(last) == before);

  fs::copy_file(finished_smoke() / "model.safetensors", last, fs::copy_options::overwrite_existing);
  const Finished other = run_tempera(exploding(folder / "run", true));
  CHECK(other.status == 1);
  CHECK(has(other.err, "no checkpoint"));
}

TEST_CASE("a damaged model file is named and not evaluated") {
  TemporaryFolder folder;
  const fs::path model = folder / "model.safetensors";
  fs::copy_file(finished_smoke() / "model.safetensors", model);
  CHECK(run_tempera({"eval", model.string()}).status == 0);
  std::string flipped = content(model);
  flipped[flipped.size() - 1000] ^= 1;  // the last bit of a weight: as good a number as the right one
  cut(model);
  for (const std::string& bytes : {flipped, content(model), std::string(8, '\xff'), std::string("{}"), std::string()}) {
    write(model, bytes);
    const Finished done = run_tempera({"eval", model.string()});
    CAPTURE(done.err);
    CHECK(done.status == 1);
    CHECK(has(done.err, "model.safetensors"));
  }
  CHECK(run_tempera({"eval", (folder / "none").string()}).status == 1);
}

TEST_CASE("a file beyond the allowed size is an error with its name, not a signal, and nothing half-written stays") {
  TemporaryFolder folder;
  const Finished done =
      run({.arguments = smoke(folder / "run"), .shell = "ulimit -f 16"});  // the model takes 200 blocks
  CAPTURE(done.err);
  CHECK(done.status == 1);
  CHECK(has(done.err, ".safetensors"));
  CHECK(has(done.err, "File too large"));
  CHECK(leftovers(folder / "run").empty());
}

TEST_CASE("a full disk is an error with the file's name, and nothing half-written stays") {
  TemporaryFolder folder;
  if (::mount("tempera-test", folder.path().c_str(), "tmpfs", 0, "size=64k") != 0) {
    MESSAGE("skipped: only root can mount a small tmpfs");
    return;
  }
  const Finished done = run_tempera(smoke(folder / "run"));
  const bool clean = leftovers(folder.path()).empty();
  ::umount(folder.path().c_str());
  CAPTURE(done.err);
  CHECK(done.status == 1);
  CHECK(has(done.err, "No space left"));
  CHECK(clean);
}

// Oracle: summary.json, which says that the run finished, and the contract's list of the files that it left.
TEST_CASE("a finished run that lost a model says which file is missing, whatever is asked of it") {
  TemporaryFolder folder;
  const auto refused = [](const std::vector<std::string>& arguments, const std::string& file) {
    const Finished done = run_tempera(arguments);
    CHECK(done.status == 1);
    CHECK_MESSAGE(has(done.err, file + ": is missing"), done.err);
    CHECK_FALSE(has(done.err, "did not finish"));
    CHECK_FALSE(has(done.err, "nothing is computed"));
  };
  const fs::path run = folder / "run";
  fs::copy(finished_smoke(), run, fs::copy_options::recursive);
  fs::remove(run / "model.safetensors");
  refused(smoke(run), "model.safetensors");
  refused(smoke(run, {"--resume"}), "model.safetensors");
  refused({"eval", run.string()}, "model.safetensors");
  fs::remove_all(run / "checkpoints");
  refused({"eval", run.string()}, "model.safetensors");
  CHECK_FALSE(fs::exists(run / "model.safetensors"));

  const fs::path lowered = folder / "lowered";
  fs::copy(finished_smoke_quant(), lowered, fs::copy_options::recursive);
  fs::remove(lowered / "program.safetensors");
  refused({"run", "configs/smoke-quant.json", "--out", lowered.string()}, "program.safetensors");
}

TEST_CASE("a study keeps the scores of a finished run whose model is gone") {
  TemporaryFolder folder;
  const fs::path out = folder / "out";
  const auto study = smoke(out, {"--set", "study.vary={\"seed\": [1]}", "--set", "train.epochs=1"});
  REQUIRE(run_tempera(study).status == 0);
  const std::string table = content(out / "study.csv");
  for (const fs::directory_entry& entry : fs::directory_iterator(out)) {
    if (entry.is_directory()) REQUIRE(fs::remove(entry.path() / "model.safetensors"));
  }
  CHECK(run_tempera(study).status == 0);
  CHECK(content(out / "study.csv") == table);
}

// Bytes are changed within the metadata, so that every size and place in the file stays.
TEST_CASE("damage inside of the JSON that a model carries is a damaged model, not a mistake in a config") {
  TemporaryFolder folder;
  const std::string whole = content(finished_smoke() / "model.safetensors");
  const auto refused = [&](const char* key, const char* from, const char* to) {
    std::string bytes = whole;
    const std::size_t at = bytes.find(from, bytes.find(key));
    REQUIRE(at != std::string::npos);
    bytes.replace(at, std::string(to).size(), to);
    const Finished done = run_tempera({"eval", write(folder / "model.safetensors", bytes).string()});
    CAPTURE(done.err);
    CHECK(done.status == 1);
    CHECK(has(done.err, "model.safetensors"));
    CHECK(has(done.err, "damaged"));
    CHECK(has(done.err, key));
  };
  refused("tempera.config", "epochs", "epoqhs");
  refused("tempera.config", "linear", "lineax");
  refused("tempera.input", "sample", "sampel");
  refused("tempera.input", "{", "?");
}
