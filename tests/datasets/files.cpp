#include "datasets/files.hpp"

#include <zlib.h>

#include <cstdlib>
#include <fstream>
#include <numeric>
#include <stdexcept>

namespace tempera::test {

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "tempera-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;  // nothing to be done about it in a destructor
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path TemporaryFolder::write(const std::string& name, std::span<const std::uint8_t> bytes) const {
  const std::filesystem::path file = path_ / name;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream out(file, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return file;
}

ByteVector idx_file(const std::vector<std::int64_t>& extents, const ByteVector& elements) {
  ByteVector bytes{0, 0, 8, static_cast<std::uint8_t>(extents.size())};
  for (const std::int64_t extent : extents) {
    for (const int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<std::uint8_t>(extent >> shift));
  }
  bytes.insert(bytes.end(), elements.begin(), elements.end());
  return bytes;
}

ByteVector gzip(const ByteVector& bytes) {
  z_stream stream = {};
  deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  ByteVector out(deflateBound(&stream, bytes.size()));
  stream.next_in = const_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

ByteVector npy_file(const std::string& dictionary, std::span<const std::uint8_t> elements) {
  ByteVector bytes{0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
  const std::string header = dictionary + "\n";
  bytes.push_back(static_cast<std::uint8_t>(header.size()));
  bytes.push_back(static_cast<std::uint8_t>(header.size() >> 8));
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.insert(bytes.end(), elements.begin(), elements.end());
  return bytes;
}

data::Bytes as_bytes(const ByteVector& bytes) {
  const auto copy = std::make_shared<std::uint8_t[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.get());
  return {copy, bytes.size()};
}

data::Environment bare_environment(const std::filesystem::path& folder) {
  data::Environment environment;
  environment.working = folder / "working";
  environment.system = folder / "system";
  environment.download = false;
  return environment;
}

void write_small_set(const TemporaryFolder& folder) {
  ByteVector pixels(24);
  std::iota(pixels.begin(), pixels.end(), std::uint8_t{0});
  folder.write("train-images-idx3-ubyte", idx_file({6, 2, 2}, pixels));
  folder.write("train-labels-idx1-ubyte.gz", gzip(idx_file({6}, {0, 1, 2, 0, 1, 2})));
  pixels.resize(12);
  folder.write("t10k-images-idx3-ubyte.gz", gzip(idx_file({3, 2, 2}, pixels)));
  folder.write("t10k-labels-idx1-ubyte", idx_file({3}, {0, 1, 2}));
}

}  // namespace tempera::test
