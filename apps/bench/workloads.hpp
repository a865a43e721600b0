// The reference networks that tempera and its peers are timed on.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tempera::cli::bench {

struct Workload {
  std::string_view name;
  std::int64_t batch;       ///< of training
  std::string_view layers;  ///< the "layers" list of a config
};

/// mlp128, mlp1200, lenet, cnn.
[[nodiscard]] const std::vector<Workload>& workloads();

}  // namespace tempera::cli::bench
