// Every verb of tempera, with one more layer to name in a config.
#include "swish.hpp"
#include "tempera/apps/cli.hpp"

int main(int argc, char** argv) {
  tempera::cli::Registry registry;
  registry.add<own::Swish>("swish", "x·σ(βx) with a learned slope β");
  return tempera::cli::main(argc, argv, registry);
}
