// What the kernels of batch norm work on: a tensor [samples, channels, cells], or some of its samples or channels.
#pragma once

#include <cstdint>

#include "tempera/core/scalar.hpp"

namespace tempera::core {

/// The cells of sample n and channel c begin at n·row + c·cells.
struct ChannelBlock {
  std::int64_t samples = 0, channels = 0, cells = 1;
  std::int64_t row = 0;  ///< cells·(channels of the whole tensor)
};

}  // namespace tempera::core
