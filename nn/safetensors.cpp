#include "tempera/nn/safetensors.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "tempera/core/atomic_file.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/nn/content_checksum.hpp"

namespace tempera::nn {
namespace {

using core::CheckpointError;
using core::FileError;

std::string reason(int error) { return std::generic_category().message(error); }

// `bytes` gives those of a tensor, for as long as they are summed.
template <class Tensor, class Bytes>
std::string checksum_of(const std::map<std::string_view, const Tensor*>& tensors, const Bytes& bytes,
                        const std::map<std::string, std::string>& metadata) {
  ContentChecksum sum;
  for (const auto& [name, tensor] : tensors) {
    sum.add(name);
    sum.add(bytes(*tensor));
  }
  for (const auto& [key, value] : metadata) {
    if (key == kChecksumKey) continue;
    sum.add(key);
    sum.add(value);
  }
  return sum.text();
}

}  // namespace

SafetensorsReader::SafetensorsReader(const std::filesystem::path& file) : file_(file.string()) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  descriptor_ = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) throw FileError(file_, fmt::format("could not be opened: {}", reason(errno)));
  try {
    open_and_check();
  } catch (...) {  // the destructor of a half-made object does not run
    ::close(descriptor_);
    throw;
  }
}

SafetensorsReader::~SafetensorsReader() { ::close(descriptor_); }

void SafetensorsReader::open_and_check() {
  struct stat facts {};
  if (::fstat(descriptor_, &facts) != 0) throw FileError(file_, fmt::format("size unknown: {}", reason(errno)));
  if (!S_ISREG(facts.st_mode)) throw FileError(file_, "is not a regular file");
  const auto file_bytes = static_cast<std::uint64_t>(facts.st_size);
  std::array<std::byte, 8> prefix{};
  const std::size_t available = std::min<std::size_t>(prefix.size(), file_bytes);
  read(0, std::span(prefix).first(available));
  const std::uint64_t length = safetensors_header_length(std::span(prefix).first(available), file_bytes, file_);
  std::string json(length, '\0');
  read(prefix.size(), std::as_writable_bytes(std::span(json)));
  header_ = parse_safetensors_header(json, file_bytes - prefix.size() - length, file_);
}

void SafetensorsReader::read(std::uint64_t offset, std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t got = ::pread(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw FileError(file_, fmt::format("could not be read: {}", reason(errno)));
    if (got == 0) throw CheckpointError(file_, fmt::format("ends at byte {} although it was longer before", offset));
    bytes = bytes.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
}

const StoredTensor* SafetensorsReader::find(std::string_view name) const noexcept {
  const auto found = std::ranges::find(header_.tensors, name, &StoredTensor::name);
  return found == header_.tensors.end() ? nullptr : &*found;
}

std::vector<std::byte> SafetensorsReader::bytes(const StoredTensor& stored) const {
  std::vector<std::byte> bytes(stored.end - stored.begin);
  read(header_.data_begin + stored.begin, bytes);
  return bytes;
}

core::Tensor SafetensorsReader::tensor(std::string_view name) const {
  const StoredTensor* stored = find(name);
  if (stored == nullptr) throw CheckpointError(file_, fmt::format("has no tensor \"{}\"", name));
  if (stored->shape.size() > static_cast<std::size_t>(core::Shape::kMaxRank)) {
    throw CheckpointError(
        file_, fmt::format("tensor \"{}\": {} has more than {} axes", name, stored->text(), core::Shape::kMaxRank));
  }
  core::Tensor result(core::Shape(std::span<const std::int64_t>(stored->shape)));
  if (stored->dtype == scalar_dtype()) {
    read(header_.data_begin + stored->begin, std::as_writable_bytes(result.mutable_values()));
  } else {
    read_numbers(stored->dtype, bytes(*stored), result.mutable_values());
  }
  return result;
}

void SafetensorsReader::check_content() const {
  const auto stored = header_.metadata.find(kChecksumKey);
  if (stored == header_.metadata.end()) return;
  std::map<std::string_view, const StoredTensor*> by_name;
  for (const StoredTensor& tensor : header_.tensors) by_name.emplace(tensor.name, &tensor);
  const std::string sum = checksum_of(
      by_name, [this](const StoredTensor& tensor) { return bytes(tensor); }, header_.metadata);
  if (sum == stored->second) return;
  throw CheckpointError(file_, fmt::format("is damaged: its content has the checksum {}, but {} was written as its {}",
                                           sum, stored->second, kChecksumKey));
}

std::span<const std::byte> SafetensorsWriter::Entry::data() const noexcept {
  return tensor.empty() ? std::span<const std::byte>(bytes) : std::as_bytes(tensor.values());
}

void SafetensorsWriter::add(Entry entry) {
  const std::string& name = entry.stored.name;
  if (name == "__metadata__" || std::ranges::any_of(entries_, [&](const Entry& e) { return e.stored.name == name; })) {
    throw CheckpointError("safetensors", fmt::format("tensor \"{}\" is given twice or has a reserved name", name));
  }
  entries_.push_back(std::move(entry));
}

void SafetensorsWriter::add(const std::string& name, const core::Tensor& tensor) {
  const auto extents = tensor.shape().extents();
  add(Entry{.stored = {.name = name, .dtype = scalar_dtype(), .shape = {extents.begin(), extents.end()}},
            .tensor = tensor});
}

void SafetensorsWriter::add(const std::string& name, DType dtype, std::vector<std::int64_t> shape,
                            std::vector<std::byte> bytes) {
  StoredTensor stored{.name = name, .dtype = dtype, .shape = std::move(shape)};
  const auto count = static_cast<std::uint64_t>(core::Shape(std::span<const std::int64_t>(stored.shape)).numel());
  if (count * dtype_bytes(dtype) != bytes.size()) {
    throw CheckpointError("safetensors", fmt::format("tensor \"{}\": {} takes {} bytes, received {}", name,
                                                     stored.text(), count * dtype_bytes(dtype), bytes.size()));
  }
  add(Entry{.stored = std::move(stored), .bytes = std::move(bytes)});
}

std::string SafetensorsWriter::checksum() const {
  std::map<std::string_view, const Entry*> by_name;
  for (const Entry& entry : entries_) by_name.emplace(entry.stored.name, &entry);
  return checksum_of(by_name, std::mem_fn(&Entry::data), metadata_);
}

std::string SafetensorsWriter::header(const std::vector<const Entry*>& order) const {
  nlohmann::ordered_json root = nlohmann::ordered_json::object();
  root["__metadata__"] = metadata_;
  root["__metadata__"][kChecksumKey] = checksum();
  std::uint64_t offset = 0;
  for (const Entry* entry : order) {
    const std::uint64_t end = offset + entry->data().size();
    root[entry->stored.name] = {
        {"dtype", dtype_name(entry->stored.dtype)}, {"shape", entry->stored.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = root.dump();
  text.append((8 - text.size() % 8) % 8, ' ');  // the data section starts aligned
  return text;
}

void SafetensorsWriter::write(const std::filesystem::path& file) const {
  std::vector<const Entry*> order;
  order.reserve(entries_.size());
  for (const Entry& entry : entries_) order.push_back(&entry);
  // Wide formats first, so that every tensor is aligned to its own element whatever the narrow ones' sizes.
  std::ranges::stable_sort(order, std::ranges::greater{},
                           [](const Entry* entry) { return dtype_bytes(entry->stored.dtype); });
  const std::string text = header(order);
  const std::uint64_t length = text.size();
  core::AtomicFile output(file);
  output.write(std::as_bytes(std::span(&length, 1)));
  output.write(text);
  for (const Entry* entry : order) output.write(entry->data());
  output.commit();
}

}  // namespace tempera::nn
