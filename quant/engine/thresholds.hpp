// Accumulators turned into integers by comparison, all channels of a row at once.
#pragma once

#include <cstdint>
#include <vector>

#include "tempera/quant/program.hpp"

namespace tempera::quant::engine {

class ThresholdTable {
 public:
  /// Of a requantization that has thresholds. Values are written less `offset`.
  ThresholdTable(const Requant& requant, std::int64_t channels, std::int32_t offset);

  /// As Output::write: c [m, c_row] holds the channels [first, first + n), y points at channel 0 of the first row.
  void write(std::int64_t m, std::int64_t first, std::int64_t n, const std::int32_t* c, std::int64_t c_row,
             std::int16_t* y, std::int64_t y_row) const noexcept;

 private:
  void count(std::int64_t first, std::int64_t n, const std::int32_t* c, std::int16_t* y) const noexcept;
  void search(std::int64_t first, std::int64_t n, const std::int32_t* c, std::int16_t* y) const noexcept;

  std::int64_t steps_;              // thresholds of a channel
  std::int64_t channels_;           // stored: the thresholds of all channels lie side by side
  bool listed_;                     // few thresholds: [steps][channels]; many: [channels][steps]
  bool shared_;                     // of [channels][steps] there is one channel
  std::int32_t base_;               // what reaching none gives, less the offset
  std::vector<std::int32_t> at_;    // thresholds, flipped
  std::vector<std::int32_t> flip_;  // [channels]: 0, or all ones where a channel passes downwards
};

}  // namespace tempera::quant::engine
