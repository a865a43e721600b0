// Models in files: parameters and buffers under their own names, in the safetensors format.
//
// A checkpoint is a model file with more in it: "average/<name>" for averaged weights, "optimizer/<name>/<state>", and
// the counters of training in its metadata. Either can be loaded as a model.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tempera/nn/parameter.hpp"
#include "tempera/nn/safetensors.hpp"

namespace tempera::nn {

class Model;

inline constexpr std::string_view kAveragePrefix = "average/";
inline constexpr std::string_view kOptimizerPrefix = "optimizer/";

/// A tensor to be read from a file into its place.
struct TensorSlot {
  std::string name;  ///< in the file
  core::Shape shape;
  core::Tensor* tensor;
  Allowed allowed = Allowed::kAny;
};

/// Reads all slots, and only then assigns them, so that an error leaves everything as it was. Throws CheckpointError
/// naming the first tensor that the file lacks or has in another shape, and both shapes, or that has a value which is not
/// allowed there; or if the file is not what its checksum says.
void load_tensors(const SafetensorsReader& file, std::span<const TensorSlot> slots);

/// Parameters and buffers of the model.
void add_model(SafetensorsWriter& writer, const Model& model);
/// Reads parameters (the averaged ones, where the file has them and `averaged` is asked for) and buffers. Throws as
/// load_tensors, and CheckpointError naming the first tensor of the file that the model does not have.
void load_model(const SafetensorsReader& file, Model& model, bool averaged = true);

/// Takes up a training: reads parameters (not the averaged ones), buffers and `training`, which are all that training keeps
/// under the two prefixes. All or nothing. Throws as load_model, and CheckpointError naming the first tensor under a prefix
/// that is not among them.
void load_training(const SafetensorsReader& file, Model& model, std::span<const TensorSlot> training);

/// Reads the layers' own parameters (averaged where the file has them) and buffers, and of what transforms keep whatever the
/// file has: a start for another training. Other tensors of the file are left alone. Throws as load_tensors.
void load_weights(const SafetensorsReader& file, Model& model);

}  // namespace tempera::nn
