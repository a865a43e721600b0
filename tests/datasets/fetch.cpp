// Oracle: the bytes that the server has, and the requests it saw.
#include "tempera/datasets/fetch.hpp"

#include <doctest/doctest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "datasets/files.hpp"
#include "datasets/http_server.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/datasets/idx.hpp"
#include "tempera/datasets/load.hpp"
#include "tempera/datasets/sha256.hpp"

using namespace tempera;
using test::contains, test::HttpServer;

namespace {

const std::string kImages = "train-images-idx3-ubyte.gz";

/// A set of four small files that only a local server has.
struct SmallSet {
  explicit SmallSet(HttpServer::Faults faults = {}) : server(make(), faults) {
    mirrors[0] = urls[0] = server.url();
    set = {.name = "mnist", .title = "Small", .classes = {"0", "1", "2"}, .mirrors = mirrors};
    for (std::size_t i = 0; i < 4; ++i) set.sha256[i] = digests[i];
    environment = test::bare_environment(folder.path());
    environment.cache = folder.path() / "cache";
    environment.download = true;
  }

  std::map<std::string, std::string> make() {
    test::ByteVector pixels(24);
    for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * 37);
    const std::array<test::ByteVector, 4> plain{
        test::idx_file({6, 2, 2}, pixels), test::idx_file({6}, {0, 1, 2, 0, 1, 2}),
        test::idx_file({2, 2, 2}, test::ByteVector(8, 3)), test::idx_file({2}, {1, 2})};
    std::map<std::string, std::string> files;
    for (std::size_t i = 0; i < 4; ++i) {
      digests[i] = data::hex(data::sha256(plain[i]));
      const test::ByteVector packed = test::gzip(plain[i]);
      files[std::string(data::kMnistFiles[i]) + ".gz"] = {packed.begin(), packed.end()};
    }
    served = files;
    return files;
  }

  [[nodiscard]] std::string stored(const std::string& name) const {
    std::ifstream in(folder.path() / "cache" / "mnist" / name, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  void put_part(const std::string& bytes) const {
    folder.write("cache/mnist/" + kImages + ".part",
                 {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  }
  [[nodiscard]] std::string failure() const {
    return test::message_of<data::FetchError>([&] { static_cast<void>(data::fetch(set, environment)); });
  }

  test::TemporaryFolder folder;
  std::array<std::string, 4> digests;
  std::map<std::string, std::string> served;
  HttpServer server;
  std::array<std::string, 1> urls;
  std::array<std::string_view, 1> mirrors;
  data::KnownSet set;
  data::Environment environment;
};

}  // namespace

TEST_CASE("a set that is nowhere is downloaded once, checked, and found in the cache afterwards") {
  SmallSet small;
  const data::FileSet files = data::locate(small.set, std::nullopt, small.environment);
  CHECK(contains(files.origin, "downloaded"));
  for (const auto& [name, bytes] : small.served) CHECK(small.stored(name) == bytes);
  CHECK(small.server.requests().size() == 4);
  CHECK_FALSE(std::filesystem::exists(small.folder.path() / "cache" / "mnist" / (kImages + ".part")));
  static constexpr std::array<std::string_view, 1> kFolders{"mnist"};
  small.set.folders = kFolders;
  CHECK(contains(data::locate(small.set, std::nullopt, small.environment).origin, "(cache)"));
  CHECK(small.server.requests().size() == 4);
}

TEST_CASE("a download that broke off is resumed where it stopped") {
  SmallSet small({.breaks_after = 20});
  CHECK(contains(small.failure(), kImages));  // one mirror, which broke the connection
  CHECK_FALSE(std::filesystem::exists(small.folder.path() / "cache" / "mnist" / kImages));
  static_cast<void>(data::fetch(small.set, small.environment));
  CHECK(small.server.requests().at(1) == kImages + " from 20");
  CHECK(small.stored(kImages) == small.served[kImages]);
}

TEST_CASE("a server that cannot resume, and a part that is already complete, start anew") {
  for (const bool complete : {false, true}) {
    SmallSet small({.ignores_ranges = !complete});
    small.put_part(complete ? small.served[kImages] : "garbage");
    static_cast<void>(data::fetch(small.set, small.environment));
    CHECK(small.stored(kImages) == small.served[kImages]);
  }
}

TEST_CASE("a part of another file is noticed by the checksum, and the file is fetched whole") {
  SmallSet small;
  small.put_part("not what the server has");
  static_cast<void>(data::fetch(small.set, small.environment));
  CHECK(small.stored(kImages) == small.served[kImages]);
  CHECK(small.server.requests().at(0) == kImages + " from 23");
  CHECK(small.server.requests().at(1) == kImages);
}

TEST_CASE("content with another SHA-256 never gets the file's name") {
  SmallSet small;
  small.set.sha256[0] = small.set.sha256[1];
  CHECK(contains(small.failure(), "its content has SHA-256 " + small.digests[0]));
  CHECK_FALSE(std::filesystem::exists(small.folder.path() / "cache" / "mnist" / kImages));
}

TEST_CASE("the user's mirror is tried first, and the next one where it lacks the file") {
  HttpServer empty({}, {});
  SmallSet small;
  small.environment.mirror = empty.url().substr(0, empty.url().size() - 1);  // without the slash
  static_cast<void>(data::fetch(small.set, small.environment));
  CHECK(empty.requests().size() == 4);
  CHECK(small.stored(kImages) == small.served[kImages]);
}

TEST_CASE("without a network the error lists every place and every mirror") {
  SmallSet small;
  const std::string nowhere = "http://127.0.0.1:9/";  // the discard port: nothing listens
  small.mirrors[0] = nowhere;
  data::Environment environment = small.environment;
  environment.data = small.folder.path() / "data";
  std::filesystem::create_directories(*environment.data);
  const std::string text = test::message_of<data::SetNotFound>([&] {
    static_cast<void>(data::locate(data::mnist(), "somewhere", [&] {
      data::Environment offline = environment;
      offline.mirror = nowhere;
      offline.public_mirrors = false;
      return offline;
    }()));
  });
  for (const std::string part :
       {"somewhere (data.dir): no such folder", "/data (TEMPERA_DATA): without train-images",
        "/data/mnist (TEMPERA_DATA): no such folder", "working/data/mnist", "cache/mnist (cache)",
        "http://127.0.0.1:9/train-images-idx3-ubyte.gz: Failed to connect"}) {
    CAPTURE(text);
    CHECK(contains(text, part));
  }
}

TEST_CASE("an address that is not http is refused, and a missing cache folder said") {
  SmallSet small;
  small.mirrors[0] = "file:///etc/";
  CHECK(contains(small.failure(), "file:///etc/"));
  small.environment.cache.reset();
  CHECK(contains(small.failure(), "no cache folder"));
}

TEST_CASE("a download that the user stops throws Interrupted and keeps its part") {
  SmallSet small;
  small.environment.progress = [](const std::string&, std::int64_t, std::int64_t) { return false; };
  CHECK_THROWS_AS(static_cast<void>(data::fetch(small.set, small.environment)), core::Interrupted);
}
