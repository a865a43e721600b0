// Mixed precision: how much each site suffers from few bits, and how many bits each weight is to have within a budget.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tempera/core/batch.hpp"
#include "tempera/nn/evaluate.hpp"
#include "tempera/nn/model.hpp"
#include "tempera/quant/config.hpp"

namespace tempera::quant {

/// What a site costs the network at some bits, everything else in floats.
struct SensitivityPoint {
  int bits = 8;              ///< of the quantizer's field "bits"; stored_bits without one
  int stored_bits = 8;       ///< that a value takes: one more for weights of dorefa
  double loss_increase = 0;  ///< mean of the objective minus the float network's; may be below 0
  double decibels = 0;       ///< signal to noise at the site, as site_noise
};
struct SiteSensitivity {
  std::string site;
  nn::SiteKind kind = nn::SiteKind::kWeight;
  std::int64_t values = 0;               ///< of the weight, or of a sample
  std::int64_t multiply_adds = 0;        ///< per sample, of the layer whose weight it is; 0 for activations
  std::vector<SensitivityPoint> points;  ///< bits falling
};

struct SensitivityConfig {
  std::vector<std::int64_t> bits{8, 4, 2};
  std::int64_t images = 1024;    ///< to choose ranges by; the loss is that of the whole source
  bool integer_weights = false;  ///< only bits at which products of integers take a weight
};

/// Puts each quantizer of the config's rules alone into the float network, at each of the bits, and measures. A quantizer
/// whose field "bits" does not go so far is measured at the nearest ones that it has, one without it as it is. Weights are
/// rounded to nearest: what calibration may do to them besides is left out. The model's transforms are as before when this
/// returns. Throws as attach, calibrate and evaluate.
[[nodiscard]] std::vector<SiteSensitivity> sensitivity(nn::Model& model, const QuantizationConfig& config,
                                                       core::BatchSource& source, const nn::Objective& objective,
                                                       const SensitivityConfig& options,
                                                       const std::atomic<bool>* interrupt = nullptr);

/// What sensitivity() would measure at least, known without a batch: every site with the bits at which it would be put in, and
/// no losses. Bits that turn out to have no integers for a weight (`integer_weights`) are among them. Throws as plan.
[[nodiscard]] std::vector<SiteSensitivity> offered_bits(nn::Model& model, const QuantizationConfig& config,
                                                        const SensitivityConfig& options);

enum class BudgetMeasure {
  kSize,           ///< Σ values·bits over the weights: bits of storage
  kBitOperations,  ///< Σ multiply_adds·bits·input_bits
};
inline constexpr std::string_view kBudgetMeasures[] = {"size", "bit_operations"};

struct BitBudget {
  BudgetMeasure measure = BudgetMeasure::kSize;
  double limit = 0;                       ///< in the measure's unit
  std::map<std::string, int> input_bits;  ///< as input_bits() has them; of no use to sizes

  /// What the weight of a site is multiplied with: floats where nothing is known.
  [[nodiscard]] int bits_before(const std::string& site) const {
    const auto found = input_bits.find(site);
    return found == input_bits.end() ? 32 : found->second;
  }
};

struct BitChoice {
  std::string site;
  int bits = 8;
};
/// Bits for every weight. The loss is predicted: single sites' increases are added up, as if they did not interact.
struct BitAssignment {
  std::vector<BitChoice> choices;  ///< in the order of the sensitivities; activations are left out
  double cost = 0;
  double loss_increase = 0;
};

/// Every assignment that none other beats in cost and loss at once, cost rising: a knapsack solved exactly by dynamic
/// programming over the sites with dominated states dropped. Throws UnsupportedError if more than `most_states` remain.
[[nodiscard]] std::vector<BitAssignment> pareto_bits(const std::vector<SiteSensitivity>& sites, const BitBudget& budget,
                                                     std::size_t most_states = 200000);

/// Throws ConfigError stating the smallest possible cost if the budget is below it. Losses play no part: `sites` may be those
/// of offered_bits.
void require_budget(const std::vector<SiteSensitivity>& sites, const BitBudget& budget);

/// The assignment of least loss within the budget. Throws as pareto_bits and require_budget, and ConfigError if there is no
/// weight to choose bits for.
[[nodiscard]] BitAssignment exact_bits(const std::vector<SiteSensitivity>& sites, const BitBudget& budget);

/// The config with a rule for each chosen site behind its own ones: the quantizer that took the site, at the bits chosen.
[[nodiscard]] QuantizationConfig with_bits(nn::Model& model, const QuantizationConfig& config,
                                           const BitAssignment& assignment);

}  // namespace tempera::quant
