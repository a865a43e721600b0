// Oracle: the format's definition; files are put together byte by byte.
#include "tempera/datasets/idx.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "datasets/files.hpp"
#include "tempera/core/errors.hpp"

using namespace tempera;
using test::ByteVector, test::contains, test::gzip, test::idx_file;

namespace {

data::IdxArray read(const ByteVector& bytes) { return data::read_idx(test::as_bytes(bytes), "x"); }

std::string refusal(const ByteVector& bytes) {
  return test::message_of<core::DataError>([&] { static_cast<void>(read(bytes)); });
}

ByteVector image_header(std::uint32_t n, std::uint32_t height, std::uint32_t width) {
  return idx_file({n, height, width}, {});
}

}  // namespace

TEST_CASE("an IDX file gives the same array plain, gzipped, and gzipped in two members") {
  const ByteVector elements{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const ByteVector plain = idx_file({2, 3, 2}, elements);
  ByteVector members = gzip({plain.begin(), plain.begin() + 10});
  const ByteVector second = gzip({plain.begin() + 10, plain.end()});
  members.insert(members.end(), second.begin(), second.end());
  for (const ByteVector& bytes : {plain, gzip(plain), members}) {
    const data::IdxArray array = read(bytes);
    CHECK(array.extents == std::vector<std::int64_t>{2, 3, 2});
    CHECK(ByteVector(array.elements.span().begin(), array.elements.span().end()) == elements);
    CHECK(ByteVector(array.content.span().begin(), array.content.span().end()) == plain);
  }
}

TEST_CASE("an IDX file with a wrong magic number is refused with what it has") {
  CHECK(contains(refusal({0x93, 'N', 'U', 'M', 1, 2, 3, 4}), "x: at byte 0: wrong magic number 0x934e554d"));
  CHECK(contains(refusal({0, 0, 0x0D, 1, 0, 0, 0, 1, 0, 0, 0, 0}), "at byte 2: wrong magic number 0x00000d01"));
  CHECK(contains(refusal({0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0}), "at byte 3"));
  CHECK(contains(refusal(gzip({'h', 'e', 'l', 'l', 'o'})), "wrong magic number 0x68656c6c"));
}

TEST_CASE("every truncation of an IDX file is refused, plain or gzipped") {
  const ByteVector plain = idx_file({3, 2, 2}, ByteVector(12, 7));
  for (std::size_t size = 0; size < plain.size(); ++size) {
    const ByteVector cut(plain.begin(), plain.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK_FALSE(refusal(cut).empty());
    CHECK_FALSE(refusal(gzip(cut)).empty());
  }
  const ByteVector packed = gzip(plain);
  for (std::size_t size = 0; size < packed.size(); ++size) {
    CHECK_FALSE(refusal({packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(size)}).empty());
  }
}

TEST_CASE("an IDX file that is one byte too long is refused at that byte") {
  ByteVector plain = idx_file({3}, {1, 2, 3});
  plain.push_back(0);
  CHECK(contains(refusal(plain), "at byte 11: too long"));
  CHECK(contains(refusal(gzip(plain)), "at byte 11: too long"));
  CHECK(contains(refusal(gzip(idx_file({1}, ByteVector(20, 1)))), "too long"));  // longer than the longest header
}

TEST_CASE("an IDX file of zero items or zero pixels is refused") {
  CHECK(contains(refusal(idx_file({0}, {})), "at byte 4: extents must be at least 1"));
  CHECK(contains(refusal(idx_file({2, 0, 2}, {})), "at byte 8: extents must be at least 1"));
}

TEST_CASE("a header that claims 2^40 items is refused before memory is taken for them") {
  // 2^16·2^12·2^12 elements; a plain file must hold them, a gzipped one cannot.
  CHECK(contains(refusal(image_header(1 << 16, 1 << 12, 1 << 12)), "more than"));
  CHECK(contains(refusal(gzip(image_header(1 << 16, 1 << 12, 1 << 12))), "more than"));
  CHECK(contains(refusal(image_header(0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF)), "more than"));
  // 4 GiB would be allowed, but 60 compressed bytes cannot hold them.
  CHECK(contains(refusal(gzip(image_header(1 << 16, 1 << 8, 1 << 8))), "hold at most"));
  CHECK(contains(refusal(image_header(1 << 16, 1 << 8, 1 << 8)), "truncated: the header announces 4294967312 bytes"));
}

TEST_CASE("a decompression bomb is refused after as many bytes as its header announces") {
  ByteVector bomb = idx_file({16}, ByteVector(16, 1));
  bomb.resize(std::size_t{32} << 20);
  CHECK(contains(refusal(gzip(bomb)), "at byte 24: too long"));
}

TEST_CASE("gzip that is damaged in the middle, or followed by anything, is refused with the place") {
  ByteVector elements(4000);
  for (std::size_t i = 0; i < elements.size(); ++i) elements[i] = static_cast<std::uint8_t>(i * i >> 3);
  const ByteVector packed = gzip(idx_file({1000, 2, 2}, elements));
  for (const std::size_t at : {packed.size() / 3, packed.size() / 2, packed.size() - 6}) {  // the last: the checksum
    ByteVector damaged = packed;
    damaged[at] ^= 0x55;
    CHECK_FALSE(refusal(damaged).empty());
  }
  ByteVector trailing = packed;
  trailing.push_back(0);
  CHECK(contains(refusal(trailing), "1 bytes follow the end of the gzip stream"));
}

TEST_CASE("what is no readable file is refused by name") {
  const test::TemporaryFolder folder;
  const auto refused = [](const std::filesystem::path& path) {
    return test::message_of<core::DataError>([&] { static_cast<void>(data::read_file(path)); });
  };
  CHECK(contains(refused(folder.path() / "missing"), "missing: cannot open: No such file"));
  CHECK(contains(refused(folder.path()), "must be a regular file"));
  const std::filesystem::path fifo = folder.path() / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(contains(refused(fifo), "must be a regular file"));  // and does not wait for a writer
  if (::geteuid() == 0) return;                              // root may read everything
  const std::filesystem::path secret = folder.write("secret", ByteVector{1});
  std::filesystem::permissions(secret, std::filesystem::perms::none);
  CHECK(contains(refused(secret), "secret: cannot open: Permission denied"));
}
