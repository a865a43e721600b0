#include "tempera/apps/experiment/initial_weights.hpp"

#include "tempera/apps/experiment/saved_model.hpp"
#include "tempera/apps/text_file.hpp"
#include "tempera/datasets/sha256.hpp"
#include "tempera/nn/checkpoint.hpp"

namespace tempera::cli {

std::string initial_sha256(const std::string& path) {
  return data::hex(data::sha256_of_text(read_text(model_file(path))));
}

void take_initial(const std::string& path, nn::Model& model) {
  nn::load_weights(nn::SafetensorsReader(model_file(path)), model);
}

}  // namespace tempera::cli
