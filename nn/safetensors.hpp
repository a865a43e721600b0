// Tensors in files: the safetensors format (https://huggingface.co/docs/safetensors), read strictly.
//
// 8 bytes header length (little-endian) · JSON header padded with spaces · data. Nothing in a file is trusted: sizes are
// checked against the file's before anything of that size is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tempera/core/tensor.hpp"
#include "tempera/nn/dtype.hpp"

namespace tempera::nn {

/// One tensor of a file.
struct StoredTensor {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;  ///< bytes from the start of the data section

  /// "F32 [128, 784]".
  [[nodiscard]] std::string text() const;
};

/// What a file says about itself.
struct SafetensorsHeader {
  std::vector<StoredTensor> tensors;  ///< in order of their data, without gaps
  std::map<std::string, std::string> metadata;
  std::uint64_t data_begin = 0;  ///< offset of the data section in the file
};

/// Length of the JSON header from the first 8 bytes of a file. Throws CheckpointError if there are fewer, or if the
/// length is beyond the file or beyond 100 MB (the limit of the reference implementation).
[[nodiscard]] std::uint64_t safetensors_header_length(std::span<const std::byte> prefix, std::uint64_t file_bytes,
                                                      const std::string& file);
/// Parses and checks a JSON header against the size of the data section. Throws CheckpointError for anything that is not
/// exactly the format: no JSON object, duplicate names, unknown dtype, shape × dtype ≠ bytes, data that overlaps, leaves
/// holes, ends beyond the file, or is followed by more.
[[nodiscard]] SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t data_bytes,
                                                         const std::string& file);

/// An open file; tensors are read when asked for.
class SafetensorsReader {
 public:
  /// Throws FileError if it cannot be opened, CheckpointError if it is not a valid file.
  explicit SafetensorsReader(const std::filesystem::path& file);
  SafetensorsReader(const SafetensorsReader&) = delete;
  SafetensorsReader& operator=(const SafetensorsReader&) = delete;
  ~SafetensorsReader();

  [[nodiscard]] const std::string& file() const noexcept { return file_; }
  [[nodiscard]] const std::vector<StoredTensor>& tensors() const noexcept { return header_.tensors; }
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const noexcept { return header_.metadata; }
  /// Null if there is none of that name.
  [[nodiscard]] const StoredTensor* find(std::string_view name) const noexcept;
  /// The stored bytes, little-endian. Throws CheckpointError if the file ends early (it changed under us).
  [[nodiscard]] std::vector<std::byte> bytes(const StoredTensor& stored) const;
  /// Its numbers as a tensor (other number formats are converted). Throws CheckpointError for an absent name or a rank
  /// above core::Shape::kMaxRank.
  [[nodiscard]] core::Tensor tensor(std::string_view name) const;
  /// Compares the content with the checksum that the file carries; one of another writer may have none. Throws
  /// CheckpointError where they differ: what a header cannot know to be wrong, such as a weight of another value.
  void check_content() const;

 private:
  void open_and_check();
  void read(std::uint64_t offset, std::span<std::byte> bytes) const;

  std::string file_;
  int descriptor_ = -1;
  SafetensorsHeader header_;
};

/// Collects tensors and writes them at once.
class SafetensorsWriter {
 public:
  /// Keeps a handle to the tensor (values are shared, not copied). Throws CheckpointError for a name given twice.
  void add(const std::string& name, const core::Tensor& tensor);
  /// Raw little-endian bytes of any format; their count must be that of the shape.
  void add(const std::string& name, DType dtype, std::vector<std::int64_t> shape, std::vector<std::byte> bytes);
  void metadata(const std::string& key, const std::string& value) { metadata_[key] = value; }
  /// Atomically (core::AtomicFile), with the checksum of all that was given among the metadata. Throws FileError.
  void write(const std::filesystem::path& file) const;

 private:
  struct Entry {
    StoredTensor stored;
    core::Tensor tensor;  // one of the two holds the data
    std::vector<std::byte> bytes;

    [[nodiscard]] std::span<const std::byte> data() const noexcept;
  };
  void add(Entry entry);
  [[nodiscard]] std::string checksum() const;
  [[nodiscard]] std::string header(const std::vector<const Entry*>& order) const;

  std::vector<Entry> entries_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace tempera::nn
