// The head of a .npy file: "\x93NUMPY", two version bytes, the header's length, and a Python dictionary with exactly the
// keys descr, fortran_order and shape.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "tempera/core/errors.hpp"
#include "tempera/datasets/npy.hpp"

namespace tempera::data {
namespace {

constexpr std::string_view kMagic{"\x93NUMPY", 6};
constexpr std::size_t kMaxDimensions = 32;  // NumPy's own limit

/// Reads the dictionary from left to right. A method that does not find what it expects throws.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, std::size_t offset, std::string file)
      : text_(text), offset_(offset), file_(std::move(file)) {}

  void parse(NpyArray& array) {
    expect('{');
    bool seen[3] = {};
    while (!accept('}')) {
      const std::string_view key = quoted();
      expect(':');
      const std::array<std::string_view, 3> keys{"descr", "fortran_order", "shape"};
      const auto which = static_cast<std::size_t>(std::ranges::find(keys, key) - keys.begin());
      if (which == keys.size() || std::exchange(seen[which], true))
        fail(fmt::format("key \"{}\" has no place here", key));
      if (which == 0) array.type = type();
      if (which == 1) row_major();
      if (which == 2) array.extents = shape();
      if (!accept(',') && peek() != '}') fail("expected ',' or '}'");
    }
    if (!seen[0] || !seen[1] || !seen[2]) fail("needs the keys descr, fortran_order and shape");
    while (peek() == '\n') ++at_;
    if (at_ != text_.size()) fail("text follows the dictionary");
  }

 private:
  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c || at_ == text_.size()) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(fmt::format("expected '{}'", c));
  }
  std::string_view quoted() {
    const char quote = accept('\'') ? '\'' : '"';
    if (quote == '"') expect('"');
    const std::size_t end = text_.find(quote, at_);
    if (end == std::string_view::npos) fail("a string does not end");
    const std::string_view word = text_.substr(at_, end - at_);
    at_ = end + 1;
    return word;
  }
  bool word(std::string_view expected) {
    peek();
    if (!text_.substr(at_).starts_with(expected)) return false;
    at_ += expected.size();
    return true;
  }
  NpyType type() {
    const std::array<std::string_view, 5> known{"|u1", "<i4", "<i8", "<f4", "<f8"};
    const std::string_view name = quoted();
    const auto found = std::ranges::find(known, name == "<u1" ? "|u1" : name);
    if (found == known.end()) fail(fmt::format("type \"{}\" is none of |u1 <i4 <i8 <f4 <f8", name));
    return static_cast<NpyType>(found - known.begin());
  }
  void row_major() {
    if (word("False")) return;
    if (word("True")) fail("the array is in Fortran order; save it with numpy.ascontiguousarray");
    fail("fortran_order must be True or False");
  }
  std::vector<std::int64_t> shape() {
    std::vector<std::int64_t> extents;
    expect('(');
    while (!accept(')')) {
      if (extents.size() == kMaxDimensions) fail("too many dimensions");
      extents.push_back(extent());
      if (!accept(',') && peek() != ')') fail("expected ',' or ')'");
    }
    return extents;
  }
  std::int64_t extent() {
    std::optional<std::int64_t> value;
    for (char c = peek(); c >= '0' && c <= '9'; c = at_ < text_.size() ? text_[at_] : '\0') {
      value = value.value_or(0) * 10 + (c - '0');
      if (*value > kMaxFileBytes) fail("an extent is larger than any file may be");
      ++at_;
    }
    if (!value) fail("expected an extent");
    return *value;
  }
  [[noreturn]] void fail(const std::string& message) const {
    throw core::DataError(file_, static_cast<std::int64_t>(offset_ + at_), fmt::format("bad .npy header: {}", message));
  }

  std::string_view text_;
  std::size_t offset_;
  std::string file_;
  std::size_t at_ = 0;
};

/// Offset and length of the dictionary.
std::pair<std::size_t, std::size_t> find_header(std::span<const std::uint8_t> bytes, const std::string& file) {
  if (bytes.size() < 10 || !std::equal(kMagic.begin(), kMagic.end(), bytes.begin(),
                                       [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; })) {
    throw core::DataError(file, 0, "wrong magic number: a .npy file begins with \\x93NUMPY");
  }
  const int major = bytes[6];
  if (major < 1 || major > 3 || bytes[7] != 0) {
    throw core::DataError(file, 6, fmt::format("version must be 1.0, 2.0 or 3.0, received {}.{}", major, bytes[7]));
  }
  const std::size_t offset = major == 1 ? 10 : 12;
  if (bytes.size() < offset) throw core::DataError(file, 8, "truncated: the header's length is missing");
  std::size_t length = 0;
  for (std::size_t i = offset; i-- > 8;) length = length << 8 | bytes[i];
  if (length > bytes.size() - offset) {
    throw core::DataError(file, 8,
                          fmt::format("truncated: the header has {} bytes, {} follow", length, bytes.size() - offset));
  }
  return {offset, length};
}

}  // namespace

NpyArray parse_npy(const Bytes& bytes, const std::string& file) {
  const auto [offset, length] = find_header(bytes.span(), file);
  NpyArray array;
  HeaderParser({reinterpret_cast<const char*>(bytes.data()) + offset, length}, offset, file).parse(array);
  array.header = static_cast<std::int64_t>(offset + length);
  std::int64_t needed = array.item_bytes();
  for (const std::int64_t extent : array.extents) {
    if (__builtin_mul_overflow(needed, extent, &needed) || needed > kMaxFileBytes) {
      throw core::DataError(file, 8, fmt::format("the header announces more than {} bytes", kMaxFileBytes));
    }
  }
  const std::int64_t received = static_cast<std::int64_t>(bytes.size()) - array.header;
  if (received != needed) {
    throw core::DataError(file, array.header,
                          fmt::format("{}: the header announces {} bytes of elements, the file has {}",
                                      received < needed ? "truncated" : "too long", needed, received));
  }
  array.elements = bytes.part(offset + length, static_cast<std::size_t>(needed));
  return array;
}

}  // namespace tempera::data
