// tempera verify: the proof that the network that was trained is the one that is shipped.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "tempera/apps/commands/command.hpp"
#include "tempera/apps/experiment/data_source.hpp"
#include "tempera/apps/experiment/lowered_model.hpp"
#include "tempera/apps/experiment/saved_model.hpp"
#include "tempera/apps/interrupt.hpp"
#include "tempera/apps/terminal.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/core/kernels/table.hpp"
#include "tempera/quant/program_file.hpp"

namespace tempera::cli {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::string model;
  std::int64_t images = 0;
};

// The program that stands beside the model, which is what is shipped; without one, what the model gives now.
quant::Program shipped(const SavedModel& saved) {
  const fs::path beside = saved.file.parent_path() / "program.safetensors";
  if (fs::exists(beside)) return quant::load_program(beside);
  say(fmt::format("{} is not there: the model is lowered now, and what comes out is compared", beside.string()));
  return program_of(saved.config, saved.model, {});
}

int verify(const Session& session, const Arguments& arguments) {
  const InterruptGuard guard;
  SavedModel saved = load_model(arguments.model, *session.registry);
  if (!saved.config.quantization) {
    throw core::UnsupportedError(arguments.model, "is not quantized: there are no integers to compare it with");
  }
  const bool dynamic = saved.config.quantization->dynamic();
  const data::LoadedData data = load_data(saved.config.data);
  const std::int64_t images = arguments.images > 0 ? arguments.images : data.set.test.size();
  const report::Proof proof =
      dynamic ? prove_dynamic(saved.model, data.set.test, saved.input.normalization, images)
              : prove(saved.config, saved.model, shipped(saved), data.set.test, saved.input.normalization, images);
  print_result(session,
               {{"model", saved.file.string()},
                {"data", data.used},
                {"fallback", data.fallback},
                {"level", core::isa_name(core::kernels().level)},
                {"images", proof.images},
                {"values", proof.values},
                {"equal", proof.equal},
                {"difference", proof.difference},
                {"float_form",
                 {{"activations_differ", proof.float_activations}, {"predictions_differ", proof.float_predictions}}}},
               fmt::format("{}\n", dynamic ? dynamic_proof_text(proof) : proof_text(proof)));
  return proof.equal ? kDone : kFailed;
}

}  // namespace

void add_verify(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* verb =
      add_verb(app, session, "verify",
               "prove bit by bit that fake quantization, reference and integer engine are one network, or that dynamic "
               "products are what they are defined to be",
               [&session, arguments] { return verify(session, *arguments); });
  verb->add_option("MODEL", arguments->model, "a run folder or a model file, quantized")->required();
  verb->add_option("--images", arguments->images, "so many of the test set instead of all")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
}

}  // namespace tempera::cli
