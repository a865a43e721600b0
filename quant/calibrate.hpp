// Ranges for a finished model, from images it has not to be trained on.
#pragma once

#include <atomic>
#include <cstdint>

#include "tempera/core/batch.hpp"
#include "tempera/nn/model.hpp"

namespace tempera::quant {

/// Runs the first `images` samples of pass 0 in floats while every quantizer of the model observes its site. Throws DataError
/// if the source has no samples, NumericError naming a site whose values are not finite, Interrupted.
void calibrate(nn::Model& model, core::BatchSource& source, std::int64_t images,
               const std::atomic<bool>* interrupt = nullptr);

}  // namespace tempera::quant
