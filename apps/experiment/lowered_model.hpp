// A trained model on integers: as a program, with the proof that it is the same network, or dynamically.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "tempera/apps/experiment/saved_model.hpp"
#include "tempera/apps/report/quantized_site.hpp"
#include "tempera/datasets/dataset.hpp"
#include "tempera/nn/evaluate.hpp"
#include "tempera/quant/program.hpp"

namespace tempera::cli {

/// The program with the metadata that lets it run on pixels and be known by name. Throws UnsupportedError as quant::lower.
[[nodiscard]] quant::Program program_of(const ExperimentConfig& config, const nn::Model& model,
                                        const std::map<std::string, std::string>& metadata);

/// The network as functions from inputs to real logits: by the model's exact form, and by the integer engine.
[[nodiscard]] nn::Forward exact_forward(const ExperimentConfig& config, const nn::Model& model);
[[nodiscard]] nn::Forward engine_forward(quant::Program program);
/// A network with dynamic rules: products of integers between floats. The model must outlive it. Throws as DynamicForward.
[[nodiscard]] nn::Forward dynamic_forward(const nn::Model& model);

/// Whether the config's network multiplies integers when it is run: it is lowered, or quantized dynamically.
[[nodiscard]] bool runs_integers(const ExperimentConfig& config);

/// Compares all roads on the first `images` samples of a split.
[[nodiscard]] report::Proof prove(const ExperimentConfig& config, nn::Model& model, const quant::Program& program,
                                  const data::Split& split, const data::Normalization& normalization,
                                  std::int64_t images);
/// Compares the two roads of a program whose model is not at hand: reference and engine.
[[nodiscard]] report::Proof prove(const quant::Program& program, const data::Split& split,
                                  const data::Normalization& normalization, std::int64_t images);
/// The same for a network with dynamic rules: each of its products of integers against plain loops.
[[nodiscard]] report::Proof prove_dynamic(nn::Model& model, const data::Split& split,
                                          const data::Normalization& normalization, std::int64_t images);
[[nodiscard]] std::string dynamic_proof_text(const report::Proof& proof);
/// In a sentence or two; `alone` where there was no model to compare with.
[[nodiscard]] std::string proof_text(const report::Proof& proof, bool alone = false);

}  // namespace tempera::cli
