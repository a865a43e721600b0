// Where --out and --dump-logits write. Oracle: what stands under the names afterwards.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "smoke.hpp"

using namespace program;
namespace fs = std::filesystem;

namespace {

Finished dumped(const fs::path& target) {
  return run_tempera({"eval", finished_smoke().string(), "--dump-logits", target.string()});
}

}  // namespace

TEST_CASE("an output that is a device stays one") {
  const Finished logits = dumped("/dev/null");
  CHECK_MESSAGE(logits.status == 0, logits.err);
  CHECK(fs::is_character_file("/dev/null"));
  const Finished page = run_tempera({"report", finished_smoke().string(), "--out", "/dev/stdout"});
  CHECK_MESSAGE(page.status == 0, page.err);
  CHECK(page.out.starts_with("<!DOCTYPE html>"));
  CHECK(has(page.out, "</html>"));
  const Finished full = dumped("/dev/full");
  CHECK(full.status == 1);
  CHECK_MESSAGE(has(full.err, "/dev/full"), full.err);
  CHECK(fs::is_character_file("/dev/full"));
}

TEST_CASE("an output that is a symbolic link goes into the file it leads to, there before or not") {
  TemporaryFolder folder;
  REQUIRE(dumped(folder / "plain.npy").status == 0);
  write(folder / "old.npy", "old");
  fs::create_symlink("old.npy", folder / "link.npy");
  fs::create_symlink("new.npy", folder / "ahead.npy");
  for (const auto& [link, file] : {std::pair("link.npy", "old.npy"), std::pair("ahead.npy", "new.npy")}) {
    CHECK(dumped(folder / link).status == 0);
    CHECK(fs::is_symlink(folder / link));
    CHECK(content(folder / file) == content(folder / "plain.npy"));
  }
  CHECK(leftovers(folder.path()).empty());
}

TEST_CASE("an output that the command reads is refused and stays as it is, whatever it is called by") {
  TemporaryFolder folder;
  const fs::path run = folder / "run";
  fs::copy(finished_smoke(), run, fs::copy_options::recursive);
  fs::create_symlink("run/summary.json", folder / "link");
  const auto refused = [&](const std::vector<std::string>& arguments, const fs::path& kept) {
    const std::string before = content(kept);
    const Finished done = run_tempera(arguments);
    CHECK(done.status == 2);
    CHECK_MESSAGE(has(done.err, "reads that file"), done.err);
    CHECK(content(kept) == before);
  };
  for (const char* name : {"model.safetensors", "summary.json", "checkpoints/last.safetensors"}) {
    refused({"eval", run.string(), "--dump-logits", (run / name).string()}, run / name);
    refused({"report", run.string(), "--out", (run / name).string()}, run / name);
  }
  refused({"report", run.string(), "--out", (folder / "link").string()}, run / "summary.json");
  refused({"eval", (run / "model.safetensors").string(), "--dump-logits", (run / "model.safetensors").string()},
          run / "model.safetensors");
  for (int twice = 0; twice < 2; ++twice) {  // what is no input may be made anew
    CHECK(run_tempera({"report", run.string()}).status == 0);
    CHECK(dumped(run / "logits.npy").status == 0);
  }
  const Finished inside = dumped(folder.path());
  CHECK(inside.status == 1);
  CHECK_MESSAGE(has(inside.err, "is a folder"), inside.err);
}

TEST_CASE(
    "an output called - is refused with what to write instead, and no file of that name is made unless it is asked "
    "for") {
  TemporaryFolder folder;
  const std::string smoke_run = fs::absolute(finished_smoke()).string();
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"report", smoke_run, "--out", "-"},
        std::vector<std::string>{"eval", smoke_run, "--dump-logits", "-"}}) {
    const Finished done = run({.arguments = arguments, .folder = folder.path()});
    CHECK(done.status == 2);
    CHECK_MESSAGE(has(done.err, "/dev/stdout"), done.err);
    CHECK(files_below(folder.path()).empty());
  }
  const Finished asked = run({.arguments = {"report", smoke_run, "--out", "./-"}, .folder = folder.path()});
  CHECK_MESSAGE(asked.status == 0, asked.err);
  CHECK(files_below(folder.path()) == std::vector<std::string>{"-"});
}

// Oracle: a shell, in which a variable that is not set leaves an empty word, which names no file.
TEST_CASE("an empty word for a file, a folder or a config is refused as wrong usage, and nothing is written") {
  TemporaryFolder folder;
  const std::string smoke_run = finished_smoke().string(), config = fs::absolute("configs/smoke.json").string();
  const auto refused = [&](const std::vector<std::string>& arguments, const std::string& option) {
    const Finished done = run({.arguments = arguments, .folder = folder.path()});
    CHECK(done.status == 2);
    CHECK_MESSAGE(has(done.err, option + ": must not be empty"), done.err);
    CHECK(files_below(folder.path()).empty());
  };
  refused({"run", config, "--out", ""}, "--out");
  refused({"run", config, "--set", ""}, "--set");
  refused({"run", ""}, "CONFIG");
  refused({"eval", smoke_run, "--dump-logits", ""}, "--dump-logits");
  refused({"eval", ""}, "MODEL");
  refused({"report", smoke_run, "--out", ""}, "--out");
  refused({"report", smoke_run, ""}, "RUN");
  refused({"compare", ""}, "RUN");
}
