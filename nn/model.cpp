#include "tempera/nn/model.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "tempera/core/config/value.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/nn/layer_registry.hpp"

namespace tempera::nn {
namespace {

void collect(std::span<const std::unique_ptr<Layer>> layers, std::vector<const LayerInfo*>& infos) {
  for (const auto& layer : layers) {
    infos.push_back(&layer->info());
    collect(layer->children(), infos);
  }
}

// Weights stand between the input and the output: in order of execution.
void collect_sites(std::span<const std::unique_ptr<Layer>> layers, std::vector<Site*>& all) {
  for (const auto& layer : layers) {
    const std::span<Site> sites = layer->sites();
    all.push_back(&sites[0]);
    for (Site& site : sites.subspan(2)) all.push_back(&site);
    collect_sites(layer->children(), all);
    all.push_back(&sites[1]);
  }
}

void add_to(std::int64_t& sum, std::int64_t term, const LayerInfo& info) {
  if (__builtin_add_overflow(sum, term, &sum)) {
    throw core::UnsupportedError("model", fmt::format("up to {} there is more than 64 bits can count", info.label()));
  }
}

// Refuses numbers that take more memory than the machine has.
void check_memory(const char* what, std::int64_t numbers) {
  const double needed = static_cast<double>(sizeof(Scalar)) * static_cast<double>(numbers);
  const double present = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  if (needed <= present) return;
  throw core::UnsupportedError("model", fmt::format("{} {} need {:.1f} GB, this machine has {:.1f} GB", numbers, what,
                                                    needed * 1e-9, present * 1e-9));
}

const ModelConfig& checked(const ModelConfig& config, const core::Shape& input) {
  static_cast<void>(Model::affordable(config, input));
  return config;
}

}  // namespace

const LayerRegistry& ModelConfig::layer_types() const {
  return registry == nullptr ? LayerRegistry::builtin() : *registry;
}

void ModelConfig::fields(core::FieldVisitor& v) {
  v.typed_list("layers", layer_types(), layers.items(), {.help = "the layers, in order", .required = true});
  v.rule(!layers.empty(), "layers", "a model has at least one layer");
}

Model::Model(const ModelConfig& config, const core::Shape& input, LayerBuilder::Mode mode, std::uint64_t seed)
    : input_(input),
      output_(input),
      input_site_{.name = "input", .kind = SiteKind::kInput, .shape = input, .parameter = {}, .transform = {}} {
  if (config.layers.empty()) throw core::ConfigError("model: \"layers\" is empty; a model has at least one layer");
  if (input.numel() == 0) {
    throw core::ShapeError(fmt::format("model: samples of shape {} hold no numbers", input.text()));
  }
  LayerBuilder builder(config.layer_types(), mode, seed);
  for (const auto& layer : config.layers.items()) {
    layers_.push_back(builder.build(*layer, output_, core::child_pointer("/layers", layers_.size())));
    output_ = layers_.back()->info().output;
  }
}

Model::Model(const ModelConfig& config, const core::Shape& input, std::uint64_t seed)
    : Model(checked(config, input), input, LayerBuilder::Mode::kBuild, seed) {}

Model Model::planned(const ModelConfig& config, const core::Shape& input) {
  return Model(config, input, LayerBuilder::Mode::kPlan, 0);
}

// A model that passes may still be too large to train, as that takes gradients and the activations of a batch, too; what
// does not pass cannot even be held.
Model Model::affordable(const ModelConfig& config, const core::Shape& input) {
  Model plan = planned(config, input);
  const ModelFacts facts = plan.facts();
  check_memory("parameters", facts.parameters);
  check_memory("activations of a single sample", facts.activations);
  return plan;
}

core::Variable Model::forward(const core::Variable& x, ForwardContext& context) {
  return forward_all(layers_, input_site_(x, context), context);
}

std::vector<const LayerInfo*> Model::infos() const {
  std::vector<const LayerInfo*> infos;
  collect(layers_, infos);
  return infos;
}

std::vector<Site*> Model::sites() {
  std::vector<Site*> all{&input_site_};
  collect_sites(layers_, all);
  return all;
}

std::vector<const Site*> Model::transformed() const {
  std::vector<const Site*> all;
  if (input_site_.transform != nullptr) all.push_back(&input_site_);
  for (const LayerInfo* info : infos()) {
    for (const Site& site : info->sites) {
      if (site.transform != nullptr) all.push_back(&site);
    }
  }
  return all;
}

std::vector<Parameter> Model::parameters() const {
  std::vector<Parameter> all;
  for (const LayerInfo* info : infos()) all.insert(all.end(), info->parameters.begin(), info->parameters.end());
  for (const Site* site : transformed()) {
    for (Parameter& parameter : site->transform->parameters()) all.push_back(std::move(parameter));
  }
  return all;
}

std::vector<Buffer> Model::buffers() const {
  std::vector<Buffer> all;
  for (const LayerInfo* info : infos()) all.insert(all.end(), info->buffers.begin(), info->buffers.end());
  for (const Site* site : transformed()) {
    for (Buffer& buffer : site->transform->buffers()) all.push_back(std::move(buffer));
  }
  return all;
}

ModelFacts Model::facts() const {
  ModelFacts facts;
  for (const LayerInfo* info : infos()) {
    for (const Parameter& parameter : info->parameters) add_to(facts.parameters, parameter.numel(), *info);
    add_to(facts.multiply_adds, info->multiply_adds, *info);
    add_to(facts.activations, info->output.numel(), *info);
  }
  return facts;
}

}  // namespace tempera::nn
