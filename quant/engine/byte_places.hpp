// Which buffers lie as bytes.
//
// Where a level multiplies bytes, int16 would be narrowed for every product, and takes twice the cache. So what only such
// products read lies as they take it, uint8 with the cell's least value as offset, if whoever writes it can.
#pragma once

#include <cstddef>
#include <vector>

#include "tempera/quant/engine/places.hpp"

namespace tempera::quant::engine {

/// Makes the places of such buffers and of those that share their memory (`root`, of each buffer) bytes.
void use_bytes(const Program& program, const std::vector<std::size_t>& root, Layout& layout);

}  // namespace tempera::quant::engine
