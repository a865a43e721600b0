// Extents that instructions of a Program share: checks, reference and engine agree on them.
#pragma once

#include <cstdint>

#include "tempera/quant/program.hpp"

namespace tempera::quant {

/// Outputs along an axis of `extent` cells: ⌊(extent + 2·padding − dilation·(size − 1) − 1) / stride⌋ + 1, 0 if the window
/// does not fit.
[[nodiscard]] constexpr std::int64_t window_outputs(std::int64_t extent, std::int64_t size, std::int64_t stride,
                                                    std::int64_t padding, std::int64_t dilation) noexcept {
  const std::int64_t room = extent + 2 * padding - dilation * (size - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}

/// Channels of a sample: its first axis; 1 for a scalar.
[[nodiscard]] inline std::int64_t channels_of(const core::Shape& sample) noexcept {
  return sample.rank() == 0 ? 1 : sample[0];
}

/// The one of a list that holds one number or one for each channel.
template <class List>
[[nodiscard]] const auto& of_channel(const List& list, std::int64_t channel) noexcept {
  return list[list.size() == 1 ? 0 : static_cast<std::size_t>(channel)];
}

}  // namespace tempera::quant
