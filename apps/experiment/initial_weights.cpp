#include "tempera/apps/experiment/initial_weights.hpp"

#include <fmt/format.h>

#include "tempera/apps/experiment/saved_model.hpp"
#include "tempera/apps/text_file.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/datasets/sha256.hpp"
#include "tempera/nn/checkpoint.hpp"
#include "tempera/quant/packed_model.hpp"
#include "tempera/quant/program_file.hpp"

namespace tempera::cli {

std::string initial_sha256(const std::string& path) {
  return data::hex(data::sha256_of_text(read_text(model_file(path))));
}

void take_initial(const std::string& path, nn::Model& model) {
  const nn::SafetensorsReader file(model_file(path));
  if (quant::is_program(file)) {
    throw core::CheckpointError(
        file.file(),
        "is a program of integers, what is left of a finished network; training starts from the "
        "model.safetensors that was written beside it");
  }
  if (quant::is_packed(file)) {
    throw core::CheckpointError(
        file.file(),
        "holds packed integers, what is left of the weights of a finished network; training starts "
        "from the model.safetensors that was written beside it");
  }
  nn::load_weights(file, model);
  require_finite(model, file.file());
}

}  // namespace tempera::cli
