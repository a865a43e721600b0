// Values that are finite, but not in the format that a quantizer gives them: float16 ends at 65504.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tempera/nn/model.hpp"

namespace tempera::quant {

/// Of the values that passed, how many became infinite.
struct Overflows {
  std::int64_t count = 0, of = 0;
};

/// What a quantizer whose format has an infinity is besides.
class CountsOverflows {
 public:
  CountsOverflows() = default;
  CountsOverflows(const CountsOverflows&) = delete;
  CountsOverflows& operator=(const CountsOverflows&) = delete;
  virtual ~CountsOverflows() = default;
  /// Since it was made or told to forget: of an activation every value that passed, of a weight those of the last pass.
  [[nodiscard]] virtual Overflows overflows() const = 0;
  virtual void forget_overflows() = 0;
};

struct SiteOverflows {
  std::string site;
  Overflows overflows;
};

/// The sites of a model that lost values to infinity, in their order.
[[nodiscard]] std::vector<SiteOverflows> overflows(nn::Model& model);
void forget_overflows(nn::Model& model);

}  // namespace tempera::quant
