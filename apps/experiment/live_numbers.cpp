#include "tempera/apps/experiment/live_numbers.hpp"

#include <fmt/format.h>

#include "tempera/core/config/find_number.hpp"
#include "tempera/core/errors.hpp"

namespace tempera::cli {
namespace {

void layer_numbers(core::FieldVisitor& v, std::span<const std::unique_ptr<nn::Layer>> layers) {
  for (const auto& layer : layers) {
    const std::string& path = layer->info().path;
    const std::string name = path.substr(path.rfind('/') + 1);
    v.object(name,
             [&layer](core::FieldVisitor& inner) {
               layer->numbers(inner);
               layer_numbers(inner, layer->children());
             },
             nullptr, {.help = "numbers of a layer"});
  }
}

}  // namespace

core::FieldsFn numbers_of_run(nn::Model& model, nn::Optimizer& optimizer) {
  return [&model, &optimizer](core::FieldVisitor& v) {
    v.object("optimizer", [&](core::FieldVisitor& inner) { optimizer.fields(inner); }, nullptr,
             {.help = "numbers of the optimizer"});
    v.object("model",
             [&](core::FieldVisitor& inner) {
               inner.object("layers", [&](core::FieldVisitor& list) { layer_numbers(list, model.layers()); }, nullptr,
                            {.help = "by name"});
             },
             nullptr, {.help = "numbers of layers"});
  };
}

double& live_number(const core::FieldsFn& numbers, const std::string& target, const std::string& pointer) {
  try {
    return core::find_number(numbers, target);
  } catch (const core::ConfigError& error) {
    throw core::ConfigError(
        {{.pointer = pointer, .message = fmt::format("target \"{}\" cannot be scheduled: {}", target, error.what())}});
  }
}

}  // namespace tempera::cli
