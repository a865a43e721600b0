#include "tempera/apps/experiment/live_numbers.hpp"

#include <fmt/format.h>

#include <map>
#include <vector>

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

// "act1.output" is an object "act1" with an object "output" in it, as paths are cut at dots; the model's own input has no
// layer.
void site_numbers(core::FieldVisitor& v, nn::Model& model) {
  std::map<std::string, std::vector<const nn::Site*>> layers;
  for (const nn::Site* site : model.sites()) {
    if (site->transform == nullptr) continue;
    const std::size_t dot = site->name.rfind('.');
    layers[dot == std::string::npos ? std::string() : site->name.substr(0, dot)].push_back(site);
  }
  const auto visit = [](core::FieldVisitor& to, const std::vector<const nn::Site*>& sites) {
    for (const nn::Site* site : sites) {
      to.object(site->name.substr(site->name.rfind('.') + 1),  // npos + 1 is 0
                [site](core::FieldVisitor& inner) { site->transform->numbers(inner); }, nullptr,
                {.help = "numbers of a site"});
    }
  };
  for (const auto& [layer, sites] : layers) {
    if (layer.empty()) {
      visit(v, sites);
    } else {
      v.object(layer, [&](core::FieldVisitor& inner) { visit(inner, sites); }, nullptr, {.help = "sites of a layer"});
    }
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
    v.object("quantization",
             [&](core::FieldVisitor& inner) {
               inner.object("sites", [&](core::FieldVisitor& list) { site_numbers(list, model); }, nullptr,
                            {.help = "by name"});
             },
             nullptr, {.help = "numbers of quantizers"});
  };
}

double& live_number(const core::FieldsFn& numbers, const std::string& target, const std::string& pointer) {
  return *live_field(numbers, target, pointer).value;
}

core::NumberField live_field(const core::FieldsFn& numbers, const std::string& target, const std::string& pointer) {
  try {
    return core::find_number_field(numbers, target);
  } catch (const core::ConfigError& error) {
    // A name that is right for other settings of the same quantizer.
    const bool steepness = target.starts_with("quantization.sites.") && target.ends_with(".temperature");
    throw core::ConfigError(
        {{.pointer = pointer,
          .message =
              fmt::format("target \"{}\" cannot be scheduled: {}{}", target, error.what(),
                          steepness ? " (a smoothed_sigmoid has one with \"growth\": \"constant\"; otherwise it grows "
                                      "by itself)"
                                    : "")}});
  }
}

}  // namespace tempera::cli
