#include "tempera/apps/experiment/lowered_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "tempera/apps/interrupt.hpp"
#include "tempera/apps/report/run_data.hpp"
#include "tempera/apps/terminal.hpp"
#include "tempera/datasets/loader.hpp"
#include "tempera/quant/dynamic_forward.hpp"
#include "tempera/quant/dynamic_verify.hpp"
#include "tempera/quant/engine.hpp"
#include "tempera/quant/exact_forward.hpp"
#include "tempera/quant/lower.hpp"
#include "tempera/quant/verify.hpp"

namespace tempera::cli {
namespace {

constexpr std::int64_t kBatch = 100;  // images at a time, of proofs

// The road that a config without a section "lower" takes, too.
quant::LowerConfig lowering_of(const ExperimentConfig& config) { return config.lower.value_or(quant::LowerConfig{}); }

report::Proof proof_of(const quant::Verification& found) {
  report::Proof proof{.done = true,
                      .equal = !found.difference,
                      .images = found.images,
                      .values = found.values,
                      .difference = {},
                      .float_activations = found.float_activations_differ,
                      .float_predictions = found.float_predictions_differ,
                      .float_sites = {}};
  for (const quant::FloatForm& form : found.float_sites) {
    proof.float_sites.push_back({.site = form.site, .differ = form.share(), .largest = form.largest});
  }
  if (!found.difference) return proof;
  const quant::Difference& d = *found.difference;
  proof.difference = fmt::format("{} differ at \"{}\", image {}, index {}: ", d.between, d.site, d.image, d.index);
  proof.difference += d.reals
                          ? fmt::format("{} and {}, both of the integer {}", d.reals->first, d.reals->second, d.first)
                          : fmt::format("{} and {}", d.first, d.second);
  return proof;
}

// Two digits of a share that may be one in a million.
std::string share_text(double share) { return fmt::format("{:.2g} %", 100 * share); }

}  // namespace

quant::Program program_of(const ExperimentConfig& config, const nn::Model& model,
                          const std::map<std::string, std::string>& metadata) {
  quant::Program program = quant::lower(model, lowering_of(config));
  program.metadata = metadata;
  return program;
}

nn::Forward exact_forward(const ExperimentConfig& config, const nn::Model& model) {
  const auto exact = std::make_shared<quant::ExactForward>(model, lowering_of(config));
  return [exact](const core::Tensor& inputs) { return exact->logits(inputs); };
}

nn::Forward engine_forward(quant::Program program) {
  const auto engine = std::make_shared<quant::Engine>(std::move(program));
  return [engine](const core::Tensor& inputs) { return engine->logits(inputs); };
}

nn::Forward dynamic_forward(const nn::Model& model) {
  const auto dynamic = std::make_shared<quant::DynamicForward>(model);
  return [dynamic](const core::Tensor& inputs) { return dynamic->logits(inputs); };
}

bool runs_integers(const ExperimentConfig& config) {
  return config.quantization && (config.lower || config.quantization->dynamic());
}

report::Proof prove(const ExperimentConfig& config, nn::Model& model, const quant::Program& program,
                    const data::Split& split, const data::Normalization& normalization, std::int64_t images) {
  data::Loader loader(split, normalization, kBatch);
  return proof_of(quant::verify(model, lowering_of(config), program, loader, images, &interrupt_requested()));
}

report::Proof prove(const quant::Program& program, const data::Split& split, const data::Normalization& normalization,
                    std::int64_t images) {
  data::Loader loader(split, normalization, kBatch);
  return proof_of(quant::verify(program, loader, images, &interrupt_requested()));
}

report::Proof prove_dynamic(nn::Model& model, const data::Split& split, const data::Normalization& normalization,
                            std::int64_t images) {
  data::Loader loader(split, normalization, kBatch);
  const quant::DynamicVerification found = quant::verify_dynamic(model, loader, images, &interrupt_requested());
  report::Proof proof{.done = true,
                      .equal = !found.difference,
                      .images = found.images,
                      .values = found.values,
                      .difference = {},
                      .float_activations = report::kUnknown,  // every sample has a grid of its own
                      .float_predictions = found.float_predictions_differ};
  if (found.difference) {
    const quant::DynamicDifference& d = *found.difference;
    proof.difference = fmt::format("definition and product differ at \"{}\", image {}, index {}: {} and {}", d.layer,
                                   d.image, d.index, d.definition, d.product);
  }
  return proof;
}

std::string dynamic_proof_text(const report::Proof& proof) {
  if (!proof.equal) return fmt::format("NOT what it is defined to be: {}", proof.difference);
  return fmt::format(
      "every product of integers is its definition in plain loops, in every bit: {} images, {} values\n"
      "fake quantization, which multiplies floats, differs in {} of all predictions",
      count_text(proof.images), count_text(proof.values), share_text(proof.float_predictions));
}

// Where that is, and how much.
std::string float_site_text(const report::Proof& proof) {
  const auto most = std::ranges::max_element(proof.float_sites, {}, &report::FloatSite::differ);
  if (most == proof.float_sites.end() || most->differ == 0) return {};
  std::int64_t steps = 0;
  for (const report::FloatSite& site : proof.float_sites) steps = std::max(steps, site.largest);
  return fmt::format(" (most at {}: {}; nowhere by more than {} step{})", most->site, share_text(most->differ), steps,
                     steps == 1 ? "" : "s");
}

std::string proof_text(const report::Proof& proof, bool alone) {
  if (!proof.equal) return fmt::format("NOT the same network: {}", proof.difference);
  if (alone) {
    return fmt::format(
        "reference = engine, in every bit: {} images, {} integers compared\n"
        "the model is not beside the program, so fake quantization was not compared",
        count_text(proof.images), count_text(proof.values));
  }
  return fmt::format(
      "fake quantization = reference = engine, in every bit: {} images, {} integers compared\n"
      "the float form that training uses differs in {} of all activations{}, {} of all predictions",
      count_text(proof.images), count_text(proof.values), share_text(proof.float_activations), float_site_text(proof),
      share_text(proof.float_predictions));
}

}  // namespace tempera::cli
