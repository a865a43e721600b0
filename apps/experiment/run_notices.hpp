// What a run says of itself before it begins, and of what it proved.
#pragma once

#include <filesystem>
#include <optional>

#include "tempera/apps/experiment/arithmetic.hpp"
#include "tempera/apps/experiment/experiment_config.hpp"
#include "tempera/apps/report/run_data.hpp"
#include "tempera/datasets/load.hpp"

namespace tempera::cli {

/// Network, images, formats of this processor and what they mean for the config, settings without effect, and the folder. Throws
/// as nn::Model::planned.
void announce(const ExperimentConfig& config, const data::LoadedData& data, const std::optional<Arithmetic>& arithmetic,
              const std::filesystem::path& folder);

/// Warns where training that rounded has seen another network than the one that is shipped, which may be a worse one: where the
/// float form answers otherwise on more than a few images of a proof.
void warn_of_float_form(const report::Proof& proof);

}  // namespace tempera::cli
