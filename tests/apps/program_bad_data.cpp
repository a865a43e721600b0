// IDX files that are not what they claim. Oracle: the format's definition; status 1, the file and the reason on stderr.
#include <doctest/doctest.h>
#include <zlib.h>

#include <filesystem>
#include <string>
#include <vector>

#include "smoke.hpp"

using namespace program;
namespace fs = std::filesystem;

namespace {

std::string idx(const std::vector<int>& extents, const std::string& elements) {
  std::string bytes{'\0', '\0', '\x08', static_cast<char>(extents.size())};
  for (const int extent : extents) {
    for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(extent >> shift);
  }
  return bytes + elements;
}

std::string images(int count) {
  std::string pixels;
  for (int i = 0; i < count * 16; ++i) pixels += static_cast<char>(i * 37);
  return idx({count, 4, 4}, pixels);
}

std::string labels(int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += static_cast<char>(i % 2);
  return idx({count}, all);
}

// Six training and four test images of 4×4 under their usual names.
void write_set(const fs::path& folder) {
  write(folder / "train-images-idx3-ubyte", images(6));
  write(folder / "train-labels-idx1-ubyte", labels(6));
  write(folder / "t10k-images-idx3-ubyte", images(4));
  write(folder / "t10k-labels-idx1-ubyte", labels(4));
}

Finished run_set(const TemporaryFolder& folder) {
  return run_tempera({"run", "configs/smoke.json", "--out", (folder / "run").string(), "--set", "data.name=idx",
                      "--set", "data.dir=" + (folder / "set").string(), "--set", "data.classes=2", "--set",
                      "data.validation=0", "--set", "model.layers.fc2.out=2", "--set", "analyses=[]"});
}

void check_damage(const std::string& file, const std::string& bytes, const std::string& fact) {
  TemporaryFolder folder;
  write_set(folder / "set");
  write(folder / "set" / file, bytes);
  const Finished done = run_set(folder);
  CAPTURE(done.err);
  CHECK(done.status == 1);
  CHECK(has(done.err, file));
  CHECK_MESSAGE(has(done.err, fact), fact);
  CHECK_FALSE(fs::exists(folder / "run"));
}

std::string damaged_gzip() {
  TemporaryFolder folder;
  const fs::path file = folder / "images.gz";
  const gzFile out = gzopen(file.c_str(), "wb0");  // stored, so that the middle is content
  const std::string bytes = images(6);
  gzwrite(out, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(out);
  std::string compressed = content(file);
  compressed[compressed.size() / 2] = static_cast<char>(compressed[compressed.size() / 2] ^ 1);
  return compressed;
}

}  // namespace

TEST_CASE("a set of six images trains, so what follows is due to the damage alone") {
  TemporaryFolder folder;
  write_set(folder / "set");
  const Finished done = run_set(folder);
  REQUIRE_MESSAGE(done.status == 0, done.err);
  CHECK(json_in(folder / "run" / "summary.json")["data"]["train"] == 6);
}

TEST_CASE("damaged IDX files end a run with status 1, named, with the reason, and without a folder") {
  const std::string file = "train-images-idx3-ubyte";
  std::string magic = images(6);
  magic[2] = '\x0D';
  check_damage(file, magic, "at byte");
  check_damage(file, images(6).substr(0, 50), "bytes");
  check_damage(file, images(6) + "x", "bytes");
  check_damage(file, images(5), "labels");
  check_damage("train-labels-idx1-ubyte", idx({6}, std::string("\0\1\0M\0\1", 6)), "77");
  check_damage("train-labels-idx1-ubyte", labels(5), "5");
  check_damage(file, damaged_gzip(), "gzip");
}

TEST_CASE("a folder without the set's files is named") {
  TemporaryFolder folder;
  fs::create_directories(folder / "set");
  const Finished done = run_set(folder);
  CHECK(done.status != 0);
  CHECK(has(done.err, (folder / "set").string()));
}
