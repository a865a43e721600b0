// Ranges that stay from some epoch on, through the program. Oracles: a run whose ranges are never frozen; the numbers of the
// model that a run starts from.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "smoke.hpp"
#include "tempera/nn/safetensors.hpp"

using namespace program;
namespace fs = std::filesystem;

namespace {

// Two epochs. `freeze` is what follows "freeze_observers".
Finished run_frozen(const fs::path& folder, const std::string& freeze, const std::string& train = {}) {
  const std::string text = R"({"extends": ")" + (fs::current_path() / "configs" / "smoke-quant.json").string() +
                           R"(", "analyses": [], "train": {)" + train + R"(},
    "quantization": {"freeze_observers": )" +
                           freeze + "}}";
  const fs::path config = write(folder / "config.json", text);
  return program::run_tempera({"run", config.string(), "--out", (folder / "run").string()});
}

std::vector<float> scales(const fs::path& run) {
  const ::tempera::core::Tensor tensor =
      ::tempera::nn::SafetensorsReader(run / "model.safetensors").tensor("fc1.weight.scale");
  return {tensor.values().begin(), tensor.values().end()};
}

}  // namespace

TEST_CASE("ranges that would be frozen when training has ended are those of a run that never freezes them") {
  const TemporaryFolder never, last, beyond, before;
  REQUIRE(run_frozen(never.path(), "null").status == 0);
  REQUIRE(run_frozen(last.path(), "2").status == 0);
  REQUIRE(run_frozen(beyond.path(), "7").status == 0);
  REQUIRE(run_frozen(before.path(), "1").status == 0);
  const std::vector<float> expected = scales(never / "run");
  CHECK(scales(last / "run") == expected);
  CHECK(scales(beyond / "run") == expected);
  CHECK(scales(before / "run") != expected);
}

TEST_CASE("ranges frozen from the start are refused where there are none, and kept where a model brings them") {
  const TemporaryFolder none, begun, kept;
  const Finished refused = run_frozen(none.path(), "0");
  CHECK(refused.status == 2);
  CHECK_MESSAGE(has(refused.err, "/quantization/freeze_observers"), refused.err);
  CHECK_MESSAGE(has(refused.err, "begins with none"), refused.err);
  CHECK_FALSE(fs::exists(none / "run"));

  const Finished done = run_frozen(kept.path(), "0", R"("initial": ")" + finished_smoke_quant().string() + "\"");
  REQUIRE_MESSAGE(done.status == 0, done.err);
  CHECK(scales(kept / "run") == scales(finished_smoke_quant()));
  const Finished floats = run_frozen(begun.path(), "0", R"("initial": ")" + finished_smoke().string() + "\"");
  CHECK(floats.status == 2);
  CHECK_MESSAGE(has(floats.err, "/quantization/freeze_observers"), floats.err);
}
