#include "tempera/apps/bench/workloads.hpp"

namespace tempera::cli::bench {

const std::vector<Workload>& workloads() {
  static const std::vector<Workload> all{
      {"mlp128", 64, R"([{"type": "flatten"}, {"type": "linear", "out": 128}, {"type": "relu"},
                         {"type": "linear", "out": 10}])"},
      {"mlp1200", 100, R"([{"type": "flatten"}, {"type": "linear", "out": 1200}, {"type": "relu"},
                           {"type": "linear", "out": 1200}, {"type": "relu"}, {"type": "linear", "out": 10}])"},
      {"lenet", 64, R"([{"type": "conv2d", "out": 20, "kernel": 5}, {"type": "relu"}, {"type": "max_pool2d", "size": 2},
                        {"type": "conv2d", "out": 50, "kernel": 5}, {"type": "relu"}, {"type": "max_pool2d", "size": 2},
                        {"type": "flatten"}, {"type": "linear", "out": 500}, {"type": "relu"},
                        {"type": "linear", "out": 10}])"},
      {"cnn", 64, R"([{"type": "conv2d", "out": 32, "kernel": 3}, {"type": "relu"},
                      {"type": "conv2d", "out": 64, "kernel": 3}, {"type": "relu"}, {"type": "max_pool2d", "size": 2},
                      {"type": "flatten"}, {"type": "linear", "out": 128}, {"type": "relu"},
                      {"type": "linear", "out": 10}])"}};
  return all;
}

}  // namespace tempera::cli::bench
