// The house's dependencies point one way. Oracle: the list of arrows in tests/house/includes.cpp, which is the design's.
#include <doctest/doctest.h>

#include <filesystem>

#include "house/includes.hpp"

namespace house = tempera::house;

namespace {

std::size_t broken(const std::string& path, const std::string& include) {
  return house::broken_include_rules({path, "#pragma once\n#include " + include + "\n"}).size();
}

}  // namespace

TEST_CASE("the include rules refuse an arrow that points up and allow one that points down") {
  CHECK(broken("core/tensor.cpp", "\"tempera/nn/layer.hpp\"") == 1);
  CHECK(broken("datasets/loader.hpp", "\"tempera/nn/layer.hpp\"") == 1);
  CHECK(broken("nn/layers/linear.cpp", "\"tempera/quant/qparams.hpp\"") == 1);
  CHECK(broken("distill/loss.hpp", "\"tempera/quant/qparams.hpp\"") == 1);
  CHECK(broken("nn/layer.hpp", "\"tempera/apps/cli.hpp\"") == 1);
  CHECK(broken("nn/layer.hpp", "\"tempera/core/tensor.hpp\"") == 0);
  CHECK(broken("apps/cli.cpp", "\"tempera/quant/qparams.hpp\"") == 0);
  CHECK(broken("core/tensor.cpp", "\"tempera/core/shape.hpp\"") == 0);
}

TEST_CASE("the include rules refuse a header of the project that is not named as once installed") {
  CHECK(broken("core/tensor.cpp", "\"shape.hpp\"") == 1);
  CHECK(broken("nn/linear.cpp", "\"../core/shape.hpp\"") == 1);
  CHECK(broken("core/kernels/avx2.cpp", "\"../simd.ipp\"") == 1);
  CHECK(broken("core/kernels/avx2.cpp", "\"simd.ipp\"") == 0);
  CHECK(broken("core/tensor.cpp", "<vector>") == 0);
}

TEST_CASE("the include rules refuse a heavy library in a header and allow it in a source") {
  CHECK(broken("nn/model.hpp", "<nlohmann/json.hpp>") == 1);
  CHECK(broken("nn/model.cpp", "<nlohmann/json.hpp>") == 0);
  CHECK(broken("nn/model.hpp", "<nlohmann/json_fwd.hpp>") == 0);
  CHECK(broken("core/kernels/simd.hpp", "<xsimd/xsimd.hpp>") == 1);
  CHECK(broken("nn/init.hpp", "\"tempera/core/xt.hpp\"") == 1);
  CHECK(broken("core/xt.hpp", "<xtensor/xtensor.hpp>") == 0);
  CHECK(broken("nn/init.cpp", "<xtensor/xtensor.hpp>") == 1);
}

TEST_CASE("no file of the tree includes what its folder may not know") {
  std::size_t files = 0;
  for (const auto* folder : {"core", "nn", "quant", "distill", "datasets", "apps"}) {
    for (const auto& file : house::read_tree(folder, {".hpp", ".cpp", ".ipp", ".def"})) {
      ++files;
      for (const auto& sentence : house::broken_include_rules(file)) FAIL_CHECK(sentence);
    }
  }
  CHECK(files > 20);  // the walk found the tree
}

TEST_CASE("a source includes the header of its name before anything else, so that the header is known to stand alone") {
  std::size_t pairs = 0;
  for (const auto* folder : {"core", "nn", "quant", "distill", "datasets", "apps"}) {
    for (const auto& file : house::read_tree(folder, {".cpp"})) {
      const std::string header = file.path.substr(0, file.path.size() - 3) + "hpp";
      if (!std::filesystem::exists(std::filesystem::path(TEMPERA_SOURCE_DIR) / header)) continue;
      ++pairs;
      const auto names = house::includes_of(file.text);
      CAPTURE(file.path);
      CHECK((!names.empty() && names[0] == "\"tempera/" + header + "\""));
    }
  }
  CHECK(pairs > 100);
}
