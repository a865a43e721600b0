// The whole tool as a function: a program of one's own registers its layers and gets every verb of tempera with them.
//
//   int main(int argc, char** argv) {
//     tempera::cli::Registry registry;
//     registry.add<Swish>("swish", "x·σ(βx) with a learned slope β");
//     return tempera::cli::main(argc, argv, registry);
//   }
#pragma once

#include "tempera/apps/registry.hpp"

namespace tempera::cli {

/// Runs the program. Returns its exit status: 0 done, 1 failed at run time, 2 wrong usage or config, 130 interrupted.
[[nodiscard]] int main(int argc, char** argv, const Registry& registry = {});

}  // namespace tempera::cli
