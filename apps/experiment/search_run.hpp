// A search for bits in a folder of its own.
#pragma once

#include <filesystem>
#include <string>

#include "tempera/apps/experiment/bit_search.hpp"
#include "tempera/apps/experiment/load_config.hpp"
#include "tempera/apps/experiment/runner.hpp"

namespace tempera::cli {

struct SearchResult {
  std::filesystem::path folder;  ///< search.json, searched.json, searched-training.json, search.html, provenance.json
  std::string document;          ///< what search.json holds
  std::string text;              ///< for people; empty if the search had been done before
};

/// Searches the bits of `saved` by the rules of `loaded` and writes what comes out, by the rules of runs: a finished search is
/// left as it is, one that began needs `options.resume`. Throws as search_bits and RunFolder.
[[nodiscard]] SearchResult run_search(SavedModel& saved, const LoadedConfig<ExperimentConfig>& loaded,
                                      const quant::BitBudget& budget, const RunOptions& options);

}  // namespace tempera::cli
