#include "tempera/nn/checkpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "tempera/core/errors.hpp"
#include "tempera/nn/model.hpp"

namespace tempera::nn {
namespace {

using core::CheckpointError;

void check_slot(const SafetensorsReader& file, const TensorSlot& slot) {
  const StoredTensor* stored = file.find(slot.name);
  if (stored == nullptr) {
    throw CheckpointError(file.file(), fmt::format("has no tensor \"{}\" {} (is it a file of another model?)",
                                                   slot.name, slot.shape.text()));
  }
  if (!std::ranges::equal(stored->shape, slot.shape.extents())) {
    throw CheckpointError(file.file(), fmt::format("tensor \"{}\" is {} in the file and {} in the model", slot.name,
                                                   stored->text(), slot.shape.text()));
  }
}

// The first value that breaks the rule, with the rule in words.
void check_values(const SafetensorsReader& file, const TensorSlot& slot, const core::Tensor& tensor) {
  const std::span<const Scalar> values = tensor.values();
  const auto require = [&](auto allowed, std::string_view rule) {
    const auto bad = std::ranges::find_if_not(values, allowed);
    if (bad == values.end()) return;
    throw CheckpointError(
        file.file(), fmt::format("tensor \"{}\": {}; value {} is {}", slot.name, rule, bad - values.begin(), *bad));
  };
  switch (slot.allowed) {
    case Allowed::kAny:
      return;
    case Allowed::kFinite:
      return require([](Scalar x) { return std::isfinite(x); }, "must be finite");
    case Allowed::kNotNegative:
      return require([](Scalar x) { return std::isfinite(x) && x >= 0; }, "must be finite and not below 0");
    case Allowed::kPositiveOrUnset:
      if (std::ranges::all_of(values, [](Scalar x) { return x == 0; })) return;
      return require([](Scalar x) { return std::isfinite(x) && x > 0; },
                     "must be finite and above 0 (or all 0, as long as no range was chosen)");
  }
}

bool is_training_state(std::string_view name) {
  return name.starts_with(kAveragePrefix) || name.starts_with(kOptimizerPrefix);
}

// What the file has of `training` is of no concern to a model that is only used.
void check_nothing_left(const SafetensorsReader& file, std::span<const TensorSlot> slots, bool training) {
  std::set<std::string_view> wanted;
  for (const TensorSlot& slot : slots) wanted.insert(slot.name);
  for (const StoredTensor& stored : file.tensors()) {
    if (wanted.contains(stored.name)) continue;
    const bool state = is_training_state(stored.name);
    if (state && !training) continue;
    throw CheckpointError(file.file(),
                          fmt::format("has a tensor \"{}\" {} that {}", stored.name, stored.text(),
                                      state ? "this training does not keep (had it another optimizer, or an average of "
                                              "the weights?)"
                                            : "the model does not have"));
  }
}

// Parameters, and then buffers.
std::vector<TensorSlot> slots_of(const Model& model) {
  std::vector<TensorSlot> slots;
  for (const Parameter& p : model.parameters()) slots.push_back({p.name, p.shape, &p.variable.mutable_value()});
  for (const Buffer& b : model.buffers()) slots.push_back({b.name, b.shape, &b.variable.mutable_value(), b.allowed});
  return slots;
}

}  // namespace

void load_tensors(const SafetensorsReader& file, std::span<const TensorSlot> slots) {
  for (const TensorSlot& slot : slots) check_slot(file, slot);
  std::vector<core::Tensor> loaded;
  loaded.reserve(slots.size());
  for (const TensorSlot& slot : slots) loaded.push_back(file.tensor(slot.name));
  for (std::size_t i = 0; i < slots.size(); ++i) check_values(file, slots[i], loaded[i]);
  file.check_content();  // last: the others say more of what is wrong
  for (std::size_t i = 0; i < slots.size(); ++i) *slots[i].tensor = std::move(loaded[i]);
}

void add_model(SafetensorsWriter& writer, const Model& model) {
  for (const Parameter& parameter : model.parameters()) writer.add(parameter.name, parameter.variable.value());
  for (const Buffer& buffer : model.buffers()) writer.add(buffer.name, buffer.variable.value());
}

void load_model(const SafetensorsReader& file, Model& model, bool averaged) {
  const std::vector<TensorSlot> own = slots_of(model);
  const std::size_t parameters = model.parameters().size();
  for (const TensorSlot& slot : own) check_slot(file, slot);
  check_nothing_left(file, own, false);
  std::vector<TensorSlot> slots = own;
  for (std::size_t i = 0; averaged && i < parameters; ++i) {
    const std::string average = std::string(kAveragePrefix) + own[i].name;
    if (file.find(average) != nullptr) slots[i].name = average;
  }
  load_tensors(file, slots);
}

void load_training(const SafetensorsReader& file, Model& model, std::span<const TensorSlot> training) {
  std::vector<TensorSlot> slots = slots_of(model);
  slots.insert(slots.end(), training.begin(), training.end());
  for (const TensorSlot& slot : slots) check_slot(file, slot);
  check_nothing_left(file, slots, true);
  load_tensors(file, slots);
}

void load_weights(const SafetensorsReader& file, Model& model) {
  std::set<std::string> own;
  for (const LayerInfo* info : model.infos()) {
    for (const Parameter& p : info->parameters) own.insert(p.name);
    for (const Buffer& b : info->buffers) own.insert(b.name);
  }
  std::vector<TensorSlot> slots;
  const auto add = [&](const std::string& name, const core::Shape& shape, const Variable& variable, Allowed allowed) {
    const std::string average = std::string(kAveragePrefix) + name;
    const bool averaged = file.find(average) != nullptr;
    if (!own.contains(name) && file.find(name) == nullptr) return;
    slots.push_back({averaged ? average : name, shape, &variable.mutable_value(), allowed});
  };
  for (const Parameter& p : model.parameters()) add(p.name, p.shape, p.variable, Allowed::kAny);
  for (const Buffer& b : model.buffers()) add(b.name, b.shape, b.variable, b.allowed);
  load_tensors(file, slots);
}

}  // namespace tempera::nn
