// Which sizes are said of what is shipped. Oracle: the numbers, written by hand.
#include "tempera/apps/experiment/sizes.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace tempera;

TEST_CASE("the sizes of a program say what is counted: weights alone, and the whole file") {
  cli::report::ModelFacts model;
  model.bytes = {{"float32", 4000}, {"stored", 900}};
  CHECK(cli::sizes_text(model).empty());  // a model of floats ships neither
  model.bytes["program"] = 900;
  model.bytes["parameters"] = 500;
  CHECK(cli::sizes_text(model) ==
        "size: weights and biases alone 4 000 bytes as float32, 500 in their bits; the whole file program.safetensors "
        "900 bytes, with its scales, names and config\n");
  model.bytes.erase("parameters");  // a run of an earlier version
  CHECK(cli::sizes_text(model).find("as float32; the whole file") != std::string::npos);
}
