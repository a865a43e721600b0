// A quantized model as a file that is really small: weights as packed integers with their scales, everything else as in a model
// file. What is shipped where there is no program of integers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "tempera/nn/model.hpp"
#include "tempera/nn/safetensors.hpp"

namespace tempera::quant {

/// Writes atomically. A weight whose site has a "uniform" quantizer of up to 8 bits is stored under its own name as U8 [bytes]:
/// q of `bits` bits as two's complement (less 2^(bits−1) if unsigned), packed as pack() does; beside it `<site>.scale` [scales],
/// and `<site>.zero_point` [scales] unless all are 0. One of half floats is F16 or BF16, unless a number became
/// infinite. Ranges observed on the way are left out. Throws FileError, UnsupportedError for such a quantizer that has no range
/// yet.
void save_packed(const std::filesystem::path& file, const nn::Model& model,
                 const std::map<std::string, std::string>& metadata);

/// Whether there is a weight that such a file stores in fewer bits than a model file.
[[nodiscard]] bool packs_weights(const nn::Model& model);

/// Whether save_packed wrote it.
[[nodiscard]] bool is_packed(const nn::SafetensorsReader& file);

/// Reads into a model with the quantizers it was written with. Weights become q·s, or (q + ½)·s where they are rounded down, from
/// which their quantizers make the same integers again. Throws CheckpointError for another version, a tensor that is absent, has
/// another shape or is left over, a scale that is no positive normal number, a zero point off the grid; the model is then as it
/// was.
void load_packed(const nn::SafetensorsReader& file, nn::Model& model);

}  // namespace tempera::quant
