#include "tempera/quant/program_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "tempera/core/config/json_fault.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/nn/content_checksum.hpp"
#include "tempera/nn/safetensors.hpp"
#include "tempera/quant/packing.hpp"
#include "tempera/quant/program_json.hpp"

namespace tempera::quant {
namespace {

constexpr const char* kVersionKey = "tempera.program";
// Version 2 added thresholds. A program without them is written as version 1, which readers of that time take.
constexpr const char* kVersion = "1";
constexpr const char* kThresholdVersion = "2";
constexpr const char* kStructure = "tempera.instructions";

template <class T>
std::vector<std::byte> bytes_of(const std::vector<T>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(T));
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

// Lists go into tensors of their own; everything else into the structure.
class FileLists final : public ListStore {
 public:
  // In bytes where all fit, as shifts do.
  void put(const std::string& name, const std::vector<std::int32_t>& values) override {
    const auto fits = [](std::int32_t v) { return v >= -128 && v <= 127; };
    if (std::ranges::all_of(values, fits)) {
      add(name, nn::DType::kI8, bytes_of(std::vector<std::int8_t>(values.begin(), values.end())));
      return;
    }
    add(name, nn::DType::kI32, bytes_of(values));
  }
  void put(const std::string& name, const std::vector<std::int64_t>& values) override {
    add(name, nn::DType::kI64, bytes_of(values));
  }
  void put(const std::string& name, const std::vector<float>& values) override {
    add(name, nn::DType::kF32, bytes_of(values));
  }
  void put_packed(const std::string& name, const std::vector<std::int8_t>& values, int bits) override {
    add(name, nn::DType::kU8, pack(values, bits));
  }
  void write(nn::SafetensorsWriter& writer) {
    for (auto& [name, list] : lists_) {
      const auto count = static_cast<std::int64_t>(list.bytes.size() / nn::dtype_bytes(list.dtype));
      writer.add(name, list.dtype, {count}, std::move(list.bytes));
    }
  }

 private:
  struct List {
    nn::DType dtype;
    std::vector<std::byte> bytes;
  };
  void add(const std::string& name, nn::DType dtype, std::vector<std::byte> bytes) {
    lists_.emplace(name, List{dtype, std::move(bytes)});
  }
  std::map<std::string, List> lists_;
};

class FileSource final : public ListSource {
 public:
  explicit FileSource(const nn::SafetensorsReader& reader) : reader_(reader) {}
  void get(const std::string& name, std::vector<std::int32_t>& values) const override {
    const nn::StoredTensor* stored = reader_.find(name);
    if (stored == nullptr || stored->dtype != nn::DType::kI8) return read(name, nn::DType::kI32, values);
    std::vector<std::int8_t> small;
    read(name, nn::DType::kI8, small);
    values.assign(small.begin(), small.end());
  }
  void get(const std::string& name, std::vector<std::int64_t>& values) const override {
    read(name, nn::DType::kI64, values);
  }
  void get(const std::string& name, std::vector<float>& values) const override { read(name, nn::DType::kF32, values); }
  [[nodiscard]] std::vector<std::int8_t> get_packed(const std::string& name, std::size_t count,
                                                    int bits) const override {
    const std::vector<std::byte> bytes = read_bytes(name, nn::DType::kU8);
    // The first bound keeps the product of a false count and its bits from wrapping to the number of bytes.
    const bool fits = bits >= 1 && bits <= 8 && count <= 8 * bytes.size() && bytes.size() == packed_bytes(count, bits);
    if (fits) return unpack(bytes, count, bits);
    throw core::CheckpointError(reader_.file(),
                                fmt::format("tensor \"{}\" has {} bytes, which are not {} integers of {} bits", name,
                                            bytes.size(), count, bits));
  }

 private:
  [[nodiscard]] std::vector<std::byte> read_bytes(const std::string& name, nn::DType dtype) const {
    const nn::StoredTensor* stored = reader_.find(name);
    if (stored == nullptr) throw core::CheckpointError(reader_.file(), fmt::format("has no tensor \"{}\"", name));
    if (stored->dtype != dtype || stored->shape.size() != 1) {
      throw core::CheckpointError(reader_.file(), fmt::format("tensor \"{}\" is {}, expected a list of {}", name,
                                                              stored->text(), nn::dtype_name(dtype)));
    }
    return reader_.bytes(*stored);
  }
  template <class T>
  void read(const std::string& name, nn::DType dtype, std::vector<T>& values) const {
    const std::vector<std::byte> bytes = read_bytes(name, dtype);
    values.resize(bytes.size() / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  }
  const nn::SafetensorsReader& reader_;
};

// Whole numbers stay whole: only scales may have a fraction. Nothing of the format is nested deeper than this.
nlohmann::json parse_structure(const std::string& text) {
  constexpr int kDeepest = 8;
  bool in_scale = false;
  return nlohmann::json::parse(
      text, [&in_scale](int depth, nlohmann::json::parse_event_t event, nlohmann::json& value) {
        if (depth > kDeepest) throw core::Error("is nested deeper than the format is");
        if (event == nlohmann::json::parse_event_t::key) in_scale = value == "scale";
        if (event == nlohmann::json::parse_event_t::value && value.is_number_float() && !in_scale) {
          throw core::Error(fmt::format("{} stands where an integer belongs", value.dump()));
        }
        return true;
      });
}

bool has_thresholds(const program::Operation& operation) {
  const auto in = [](const std::optional<Requant>& requant) { return requant && requant->thresholds; };
  if (const auto* linear = std::get_if<program::Linear>(&operation)) return in(linear->requant);
  if (const auto* conv = std::get_if<program::Conv2d>(&operation)) return in(conv->requant);
  if (const auto* requantize = std::get_if<program::Requantize>(&operation)) return in(requantize->requant);
  const auto* concat = std::get_if<program::Concat>(&operation);
  return concat != nullptr && std::ranges::any_of(concat->requants, in);
}

const char* version_of(const Program& program) {
  const auto has = [](const Instruction& in) { return has_thresholds(in.operation); };
  return std::ranges::any_of(program.instructions, has) ? kThresholdVersion : kVersion;
}

const std::string& required(const nn::SafetensorsReader& reader, const char* key) {
  const auto found = reader.metadata().find(key);
  if (found != reader.metadata().end()) return found->second;
  throw core::CheckpointError(reader.file(), fmt::format("is no program: its metadata has no \"{}\"", key));
}

}  // namespace

bool is_program(const std::filesystem::path& file) { return is_program(nn::SafetensorsReader(file)); }
bool is_program(const nn::SafetensorsReader& file) { return file.metadata().contains(kVersionKey); }

void save_program(const std::filesystem::path& file, const Program& program) {
  nn::SafetensorsWriter writer;
  FileLists lists;
  std::map<std::string, std::string> metadata = program.metadata;
  metadata[kStructure] = program_structure(program, lists).dump();
  metadata[kVersionKey] = version_of(program);
  lists.write(writer);
  for (const auto& [key, value] : metadata) writer.metadata(key, value);
  writer.write(file);
}

Program load_program(const std::filesystem::path& file) {
  const nn::SafetensorsReader reader(file);
  const std::string& version = required(reader, kVersionKey);
  if (version != kVersion && version != kThresholdVersion) {
    throw core::CheckpointError(reader.file(), fmt::format("has program format {}, this program reads {} and {}",
                                                           version, kVersion, kThresholdVersion));
  }
  const std::string& text = required(reader, kStructure);
  try {
    const nlohmann::json structure = parse_structure(text);
    Program program = program_from(structure, FileSource(reader));
    for (const auto& [key, value] : reader.metadata()) {
      if (key != kVersionKey && key != kStructure && key != nn::kChecksumKey) program.metadata[key] = value;
    }
    if (version == kVersion && version_of(program) != version) {
      throw core::Error(fmt::format("thresholds belong to format {}, its format is {}", kThresholdVersion, version));
    }
    check(program);
    reader.check_content();  // last: the others say more of what is wrong
    return program;
  } catch (const nlohmann::json::exception& error) {
    const std::string fault = core::json_fault(text);
    throw core::CheckpointError(
        reader.file(), fmt::format("\"{}\" is damaged: {}", kStructure,
                                   fault.empty() ? core::json_explanation(error.what()) : "not JSON: " + fault));
  } catch (const core::CheckpointError&) {
    throw;
  } catch (const core::Error& error) {
    throw core::CheckpointError(reader.file(), fmt::format("holds no program that can be run: {}", error.what()));
  }
}

}  // namespace tempera::quant
