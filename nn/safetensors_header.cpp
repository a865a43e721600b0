#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "tempera/core/config/json_fault.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/nn/safetensors.hpp"

namespace tempera::nn {
namespace {

using core::CheckpointError;
using nlohmann::json;

constexpr std::uint64_t kLongestHeader = 100'000'000;
constexpr std::uint64_t kPrefix = 8;

// nlohmann keeps the last of equal keys; a file with two meanings is damaged, so keys are watched while it parses.
class KeyWatch {
 public:
  explicit KeyWatch(const std::string& file) : file_(file) {}

  bool operator()(int depth, json::parse_event_t event, const json& parsed) {
    constexpr int kDeepest = 3;  // {name: {"shape": [
    if (depth > kDeepest) throw CheckpointError(file_, "header is nested deeper than the format is");
    const auto level = static_cast<std::size_t>(depth);
    if (event == json::parse_event_t::object_start) keys_[level + 1].clear();
    if (event == json::parse_event_t::key && !keys_[level].insert(parsed.get<std::string>()).second) {
      throw CheckpointError(file_, fmt::format("header names \"{}\" twice", parsed.get<std::string>()));
    }
    return true;
  }

 private:
  const std::string& file_;
  std::array<std::set<std::string>, 6> keys_;
};

json parse_object(std::string_view text, const std::string& file) {
  if (text.empty() || text.front() != '{') throw CheckpointError(file, "header is not a JSON object");
  KeyWatch watch(file);
  try {
    return json::parse(text, std::ref(watch));
  } catch (const json::exception& error) {
    throw CheckpointError(file, fmt::format("header is not JSON: {}", core::json_explanation(error.what())));
  }
}

class EntryParser {
 public:
  EntryParser(const std::string& file, std::uint64_t data_bytes) : file_(file), data_bytes_(data_bytes) {}

  StoredTensor parse(const std::string& name, const json& entry) const {
    if (!entry.is_object()) fail(name, "its entry is not an object");
    for (const auto& item : entry.items()) {
      const std::string& key = item.key();
      if (key != "dtype" && key != "shape" && key != "data_offsets") fail(name, fmt::format("unknown key \"{}\"", key));
    }
    StoredTensor stored{.name = name, .dtype = dtype(name, entry), .shape = shape(name, entry)};
    std::tie(stored.begin, stored.end) = offsets(name, entry);
    const std::uint64_t needed = bytes_of(name, stored);
    if (needed != stored.end - stored.begin) {
      fail(name, fmt::format("{} takes {} bytes, its data_offsets [{}, {}] hold {}", stored.text(), needed,
                             stored.begin, stored.end, stored.end - stored.begin));
    }
    return stored;
  }

 private:
  [[noreturn]] void fail(const std::string& name, const std::string& message) const {
    throw CheckpointError(file_, fmt::format("tensor \"{}\": {}", name, message));
  }

  DType dtype(const std::string& name, const json& entry) const {
    const auto found = entry.find("dtype");
    if (found == entry.end() || !found->is_string()) fail(name, "\"dtype\" must be a string");
    const auto dtype = dtype_named(found->get<std::string>());
    if (!dtype) fail(name, fmt::format("unknown dtype \"{}\"", found->get<std::string>()));
    return *dtype;
  }

  std::vector<std::int64_t> shape(const std::string& name, const json& entry) const {
    const auto found = entry.find("shape");
    if (found == entry.end() || !found->is_array()) fail(name, "\"shape\" must be a list of extents");
    std::vector<std::int64_t> extents;
    for (const json& extent : *found) {
      if (!extent.is_number_unsigned() || extent.get<std::uint64_t>() > INT64_MAX) {
        fail(name, fmt::format("extent {} is not a non-negative integer", extent.dump()));
      }
      extents.push_back(extent.get<std::int64_t>());
    }
    return extents;
  }

  std::pair<std::uint64_t, std::uint64_t> offsets(const std::string& name, const json& entry) const {
    const auto found = entry.find("data_offsets");
    if (found == entry.end() || !found->is_array() || found->size() != 2 || !(*found)[0].is_number_unsigned() ||
        !(*found)[1].is_number_unsigned()) {
      fail(name, "\"data_offsets\" must be two non-negative integers");
    }
    const auto begin = (*found)[0].get<std::uint64_t>();
    const auto end = (*found)[1].get<std::uint64_t>();
    if (begin > end || end > data_bytes_) {
      fail(name,
           fmt::format("data_offsets [{}, {}] are outside of the {} data bytes of the file", begin, end, data_bytes_));
    }
    return {begin, end};
  }

  std::uint64_t bytes_of(const std::string& name, const StoredTensor& stored) const {
    if (std::ranges::find(stored.shape, 0) != stored.shape.end()) return 0;
    std::uint64_t bytes = dtype_bytes(stored.dtype);
    for (const std::int64_t extent : stored.shape) {
      if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(extent), &bytes)) {
        fail(name, fmt::format("{} has more bytes than 64 bits can count", stored.text()));
      }
    }
    return bytes;
  }

  const std::string& file_;
  std::uint64_t data_bytes_;
};

std::map<std::string, std::string> parse_metadata(const json& entry, const std::string& file) {
  if (!entry.is_object()) throw CheckpointError(file, "\"__metadata__\" must be an object of strings");
  std::map<std::string, std::string> metadata;
  for (const auto& item : entry.items()) {
    if (!item.value().is_string()) {
      throw CheckpointError(
          file, fmt::format("metadata \"{}\" must be a string, received {}", item.key(), item.value().type_name()));
    }
    metadata[item.key()] = item.value().get<std::string>();
  }
  return metadata;
}

// Data must follow one another and fill the section: then no byte has two owners and none is hidden.
void check_tiling(const std::vector<StoredTensor>& tensors, std::uint64_t data_bytes, const std::string& file) {
  std::uint64_t expected = 0;
  for (const StoredTensor& stored : tensors) {
    if (stored.begin != expected) {
      throw CheckpointError(
          file, fmt::format("tensor \"{}\": its data begins at {}, the previous ends at {} ({})", stored.name,
                            stored.begin, expected, stored.begin < expected ? "they overlap" : "there is a hole"));
    }
    expected = stored.end;
  }
  if (expected != data_bytes) {
    throw CheckpointError(file, fmt::format("{} bytes follow the last tensor", data_bytes - expected));
  }
}

}  // namespace

std::string StoredTensor::text() const { return fmt::format("{} [{}]", dtype_name(dtype), fmt::join(shape, ", ")); }

std::uint64_t safetensors_header_length(std::span<const std::byte> prefix, std::uint64_t file_bytes,
                                        const std::string& file) {
  if (prefix.size() < kPrefix || file_bytes < kPrefix) {
    throw CheckpointError(file, fmt::format("a safetensors file has at least 8 bytes, this one {}", file_bytes));
  }
  std::uint64_t length = 0;
  std::memcpy(&length, prefix.data(), sizeof(length));
  if (length > file_bytes - kPrefix) {
    throw CheckpointError(file, fmt::format("header claims {} bytes, the file has {} (is it truncated, or not a "
                                            "safetensors file?)",
                                            length, file_bytes));
  }
  if (length > kLongestHeader) {
    throw CheckpointError(file,
                          fmt::format("header of {} bytes is longer than the allowed {}", length, kLongestHeader));
  }
  return length;
}

SafetensorsHeader parse_safetensors_header(std::string_view json_text, std::uint64_t data_bytes,
                                           const std::string& file) {
  const json root = parse_object(json_text, file);
  SafetensorsHeader header;
  header.data_begin = kPrefix + json_text.size();
  const EntryParser parser(file, data_bytes);
  for (const auto& item : root.items()) {
    if (item.key() == "__metadata__") {
      header.metadata = parse_metadata(item.value(), file);
    } else {
      header.tensors.push_back(parser.parse(item.key(), item.value()));
    }
  }
  std::ranges::sort(header.tensors, [](const StoredTensor& a, const StoredTensor& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  check_tiling(header.tensors, data_bytes, file);
  return header;
}

}  // namespace tempera::nn
