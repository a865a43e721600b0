// A program as a JSON structure beside named lists of numbers: what its file is made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tempera/quant/program.hpp"

namespace tempera::quant {

/// Where the lists of a program go.
class ListStore {
 public:
  virtual ~ListStore() = default;
  virtual void put(const std::string& name, const std::vector<std::int32_t>& values) = 0;
  virtual void put(const std::string& name, const std::vector<std::int64_t>& values) = 0;
  virtual void put(const std::string& name, const std::vector<float>& values) = 0;
  virtual void put_packed(const std::string& name, const std::vector<std::int8_t>& values, int bits) = 0;
};

/// Where they come from. All throw CheckpointError for a list that is not there or not of that kind.
class ListSource {
 public:
  virtual ~ListSource() = default;
  virtual void get(const std::string& name, std::vector<std::int32_t>& values) const = 0;
  virtual void get(const std::string& name, std::vector<std::int64_t>& values) const = 0;
  virtual void get(const std::string& name, std::vector<float>& values) const = 0;
  [[nodiscard]] virtual std::vector<std::int8_t> get_packed(const std::string& name, std::size_t count,
                                                            int bits) const = 0;
};

/// Everything but the lists, which go into `lists` as "buffer3.scale", "2.weight", "2.bias", "2.multiplier"…
[[nodiscard]] nlohmann::json program_structure(const Program& program, ListStore& lists);

/// The program again, unchecked: see check(). Throws nlohmann::json::exception for a structure that is not one, Error with its
/// place for a buffer or an instruction that is not, for a word or number in it that means nothing, and what `lists` throws.
[[nodiscard]] Program program_from(const nlohmann::json& structure, const ListSource& lists);

}  // namespace tempera::quant
