// Bits for each layer under a budget, found on a finished model.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tempera/apps/experiment/saved_model.hpp"
#include "tempera/datasets/load.hpp"
#include "tempera/quant/search.hpp"

namespace tempera::cli {

struct BitSearch {
  std::string measured_on;  ///< "2 000 validation images"
  std::vector<quant::SiteSensitivity> sites;
  std::vector<quant::BitAssignment> pareto;  ///< cost rising
  quant::BitAssignment chosen;
  std::string config;    ///< for quantize: the sections of the search and a rule for each weight
  std::string training;  ///< for run: the whole experiment of the model with them, trained from its weights on
};

/// What is wrong with a search before anything is measured: throws ConfigError where no rule takes a weight, and as
/// quant::require_budget.
void check_search(SavedModel& saved, const ExperimentConfig& config, const quant::BitBudget& budget);

/// Measures each site of the config's quantization alone at 8, 4 and 2 bits on up to 2000 validation images (training images
/// where there are none), calibrated on the first of them, as many as the config says, and finds the least predicted loss within `budget`; where integers are multiplied, of bits that have
/// such a form. Throws as quant::sensitivity and quant::exact_bits.
[[nodiscard]] BitSearch search_bits(SavedModel& saved, const ExperimentConfig& config, const data::LoadedData& data,
                                    const quant::BitBudget& budget);

[[nodiscard]] std::string search_text(const BitSearch& search, const quant::BitBudget& budget);
[[nodiscard]] nlohmann::ordered_json search_json(const BitSearch& search, const quant::BitBudget& budget);
/// A page with the Pareto front and the table of sensitivities.
[[nodiscard]] std::string search_page(const BitSearch& search, const quant::BitBudget& budget,
                                      const std::string& model);

}  // namespace tempera::cli
