#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>

#include "support/temporary_folder.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/nn/content_checksum.hpp"
#include "tempera/nn/safetensors.hpp"

using namespace tempera;
using core::CheckpointError;
using core::Tensor;
using nn::DType;

namespace {

// A file of this header and this many data bytes; the length in front can be made to lie.
std::filesystem::path file_of(const TemporaryFolder& folder, const std::string& header, std::size_t data_bytes,
                              std::int64_t length = -1) {
  const std::filesystem::path path = folder / "given.safetensors";
  std::ofstream file(path, std::ios::binary);
  const std::uint64_t claimed = length < 0 ? header.size() : static_cast<std::uint64_t>(length);
  std::array<char, 8> prefix{};
  std::memcpy(prefix.data(), &claimed, prefix.size());
  file.write(prefix.data(), prefix.size());
  file << header << std::string(data_bytes, '\1');
  return path;
}

std::string error_of(const std::string& header, std::size_t data_bytes, std::int64_t length = -1) {
  const TemporaryFolder folder;
  try {
    const nn::SafetensorsReader reader(file_of(folder, header, data_bytes, length));
  } catch (const CheckpointError& error) {
    return error.what();
  }
  return "";
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return fmt::format(R"("{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{}]}})", name, dtype, shape, offsets);
}

std::string header(const std::vector<std::string>& entries) { return fmt::format("{{{}}}", fmt::join(entries, ",")); }

bool mentions(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a file gives back the tensors, raw bytes and metadata that were written, bit for bit") {
  const TemporaryFolder folder;
  const Tensor weights({2, 3}, {1, -0.0F, 1e-40F, std::numeric_limits<Scalar>::infinity(), 5, 6});
  const std::vector<std::byte> raw{std::byte{1}, std::byte{255}, std::byte{7}};
  nn::SafetensorsWriter writer;
  writer.metadata("format", "1");
  writer.metadata("config", "{\"a\": \"ü\"}");
  writer.add("odd", DType::kI8, {3}, raw);
  writer.add("fc1.weight", weights);
  writer.add("scalar", Tensor::scalar(3));
  writer.add("none", Tensor::zeros({0, 4}));
  writer.write(folder / "a.safetensors");

  const nn::SafetensorsReader reader(folder / "a.safetensors");
  CHECK(reader.metadata().at("config") == "{\"a\": \"ü\"}");
  const Tensor read = reader.tensor("fc1.weight");
  CHECK(read.shape() == weights.shape());
  CHECK(std::memcmp(read.data(), weights.data(), sizeof(Scalar) * 6) == 0);
  CHECK(reader.bytes(*reader.find("odd")) == raw);
  CHECK(reader.tensor("scalar").item() == 3);
  CHECK(reader.tensor("none").shape() == core::Shape{0, 4});
  CHECK(reader.find("other") == nullptr);
  CHECK_THROWS_AS((void)reader.tensor("other"), CheckpointError);
}

TEST_CASE("numbers of other formats become the values their specifications give them") {
  const TemporaryFolder folder;
  const std::vector<std::uint16_t> halves{0x3C00, 0xC000, 0x7BFF, 0x0001, 0x8000, 0x7C00};
  const std::vector<std::uint16_t> brains{0x3F80, 0xC040, 0x0001};
  const auto bytes_of = [](const auto& values) {
    const auto span = std::as_bytes(std::span(values));
    return std::vector<std::byte>(span.begin(), span.end());
  };
  nn::SafetensorsWriter writer;
  writer.add("half", DType::kF16, {6}, bytes_of(halves));
  writer.add("brain", DType::kBF16, {3}, bytes_of(brains));
  writer.add("double", DType::kF64, {2}, bytes_of(std::vector<double>{0.5, -1e300}));
  writer.add("long", DType::kI64, {1}, bytes_of(std::vector<std::int64_t>{-7}));
  writer.add("short", DType::kI16, {1}, bytes_of(std::vector<std::int16_t>{-300}));
  writer.add("byte", DType::kU8, {1}, bytes_of(std::vector<std::uint8_t>{200}));
  writer.add("flag", DType::kBool, {2}, bytes_of(std::vector<std::uint8_t>{0, 1}));
  writer.write(folder / "a.safetensors");
  const nn::SafetensorsReader reader(folder / "a.safetensors");
  const auto values = [&](const char* name) {
    const Tensor tensor = reader.tensor(name);
    return std::vector<Scalar>(tensor.values().begin(), tensor.values().end());
  };
  constexpr Scalar kInfinity = std::numeric_limits<Scalar>::infinity();
  CHECK(values("half") == std::vector<Scalar>{1, -2, 65504, std::ldexp(Scalar{1}, -24), -0.0F, kInfinity});
  CHECK(values("brain") == std::vector<Scalar>{1, -3, std::ldexp(Scalar{1}, -133)});
  CHECK(values("double")[0] == Scalar{0.5});
  CHECK(values("long") == std::vector<Scalar>{-7});
  CHECK(values("short") == std::vector<Scalar>{-300});
  CHECK(values("byte") == std::vector<Scalar>{200});
  CHECK(values("flag") == std::vector<Scalar>{0, 1});
}

TEST_CASE("headers that are not exactly the format are refused with the reason") {
  const std::string a = entry("a", "F32", "2", "0,8");
  CHECK(error_of(header({a}), 8).empty());
  CHECK(error_of(header({a}).append("   "), 8).empty());
  CHECK(mentions(error_of(header({a}), 8, std::int64_t{1} << 62), "header claims"));
  CHECK(mentions(error_of(header({a}), 8, 4), "header is not JSON"));
  CHECK(mentions(error_of("[1]", 0), "not a JSON object"));
  CHECK(mentions(error_of("", 0), "not a JSON object"));
  CHECK(mentions(error_of(header({a}).substr(0, 20), 8), "header is not JSON"));
  CHECK(mentions(error_of(header({a}), 9), "1 bytes follow the last tensor"));
  CHECK(mentions(error_of(header({a}), 7), "outside of the 7 data bytes"));
  CHECK(mentions(error_of(header({entry("a", "F99", "2", "0,8")}), 8), "unknown dtype \"F99\""));
  CHECK(mentions(error_of(header({entry("a", "F32", "3", "0,8")}), 8), "takes 12 bytes"));
  CHECK(mentions(error_of(header({entry("a", "F32", "-2", "0,8")}), 8), "not a non-negative integer"));
  CHECK(mentions(error_of(header({entry("a", "F32", "2.0", "0,8")}), 8), "not a non-negative integer"));
  CHECK(mentions(error_of(header({entry("a", "F32", "4294967296,4294967296", "0,8")}), 8), "64 bits"));
  CHECK(mentions(error_of(header({entry("a", "F32", "2", "8,0")}), 8), "outside"));
  CHECK(mentions(error_of(header({a, a}), 8), "names \"a\" twice"));
  CHECK(mentions(error_of(header({a, entry("b", "F32", "2", "4,12")}), 12), "they overlap"));
  CHECK(mentions(error_of(header({a, entry("b", "F32", "2", "12,20")}), 20), "there is a hole"));
  CHECK(mentions(error_of(R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0],"more":1}})", 0),
                 "unknown key \"more\""));
  CHECK(mentions(error_of(R"({"a":{"dtype":"F32","data_offsets":[0,0]}})", 0), "\"shape\""));
  CHECK(mentions(error_of(R"({"a":3})", 0), "not an object"));
  CHECK(mentions(error_of(R"({"__metadata__":{"a":1}})", 0), "must be a string"));
  CHECK(mentions(error_of(R"({"a":[[[[[1]]]]]})", 0), "nested deeper"));
}

TEST_CASE("every truncation of a good file is refused") {
  const TemporaryFolder folder;
  nn::SafetensorsWriter writer;
  writer.add("a", Tensor({3}, {1, 2, 3}));
  writer.write(folder / "a.safetensors");
  const auto bytes = std::filesystem::file_size(folder / "a.safetensors");
  for (std::uintmax_t keep = 0; keep < bytes; ++keep) {
    std::filesystem::copy_file(folder / "a.safetensors", folder / "b.safetensors",
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::resize_file(folder / "b.safetensors", keep);
    CHECK_THROWS_AS(nn::SafetensorsReader(folder / "b.safetensors"), CheckpointError);
  }
}

TEST_CASE("a missing file and a folder are errors of the file, not of its content") {
  const TemporaryFolder folder;
  CHECK_THROWS_AS(nn::SafetensorsReader(folder / "none"), core::FileError);
  CHECK_THROWS_AS(nn::SafetensorsReader(folder.path()), core::FileError);
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK_THROWS_AS(nn::SafetensorsReader(folder / "pipe"), core::FileError);  // and does not wait for a writer
}

TEST_CASE("a writer refuses a name given twice and bytes that do not fill their shape") {
  nn::SafetensorsWriter writer;
  writer.add("a", Tensor::scalar(1));
  CHECK_THROWS_AS(writer.add("a", Tensor::scalar(2)), CheckpointError);
  CHECK_THROWS_AS(writer.add("b", DType::kI32, {2}, std::vector<std::byte>(7)), CheckpointError);
}

TEST_CASE("a file in which any byte but those of its checksum's name was changed is refused") {
  const TemporaryFolder folder;
  nn::SafetensorsWriter writer;
  writer.metadata("config", R"({"seed": 1})");
  writer.add("b", Tensor({2, 3}, {1, 2, 3, 4, 5, 6}));
  writer.add("a", DType::kI8, {3}, {std::byte{1}, std::byte{255}, std::byte{7}});
  writer.write(folder / "good.safetensors");
  nn::SafetensorsReader(folder / "good.safetensors").check_content();
  std::ifstream input(folder / "good.safetensors", std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(input), {}};
  const std::string name = nn::kChecksumKey;
  const std::size_t at = whole.find(name);
  REQUIRE(at != std::string::npos);
  for (std::size_t byte = 0; byte < whole.size(); ++byte) {
    if (byte >= at && byte < at + name.size()) continue;  // without it the file looks like another writer's
    CAPTURE(byte);
    std::string damaged = whole;
    damaged[byte] = static_cast<char>(damaged[byte] ^ (1 << byte % 7));
    std::ofstream(folder / "damaged.safetensors", std::ios::binary) << damaged;
    CHECK_THROWS_AS(nn::SafetensorsReader(folder / "damaged.safetensors").check_content(), CheckpointError);
  }
}
