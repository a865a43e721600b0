// tempera verify: the proof that the network that was trained is the one that is shipped.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "tempera/apps/commands/command.hpp"
#include "tempera/apps/experiment/data_source.hpp"
#include "tempera/apps/experiment/lowered_model.hpp"
#include "tempera/apps/experiment/run_folder.hpp"
#include "tempera/apps/experiment/saved_model.hpp"
#include "tempera/apps/experiment/saved_program.hpp"
#include "tempera/apps/interrupt.hpp"
#include "tempera/apps/report/proof_json.hpp"
#include "tempera/apps/terminal.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/core/kernels/table.hpp"
#include "tempera/quant/program_file.hpp"

namespace tempera::cli {
namespace {

namespace fs = std::filesystem;

struct VerifyArguments {
  std::string model;
  std::int64_t images = 0;
};

// What was compared with what.
enum class Roads { kAll, kProgramAlone, kDynamic };

nlohmann::ordered_json names_of(Roads roads) {
  if (roads == Roads::kProgramAlone) return {"reference", "engine"};
  if (roads == Roads::kDynamic) return {"definition", "product"};
  return {"fake_quant", "reference", "engine"};
}

std::string text_of(const report::Proof& proof, Roads roads) {
  return roads == Roads::kDynamic ? dynamic_proof_text(proof) : proof_text(proof, roads == Roads::kProgramAlone);
}

void print_proof(const Session& session, const std::string& file, const data::LoadedData& data,
                 const report::Proof& proof, Roads roads) {
  nlohmann::ordered_json document{{"model", file},
                                  {"data", data.used},
                                  {"fallback", data.fallback},
                                  {"level", core::isa_name(core::kernels().level)},
                                  {"roads", names_of(roads)}};
  document.update(report::proof_json(proof));
  if (roads == Roads::kProgramAlone) document["float_form"] = nullptr;
  print_result(session, document, fmt::format("{}\n", text_of(proof, roads)));
}

std::int64_t images_of(const VerifyArguments& arguments, const data::LoadedData& data) {
  return arguments.images > 0 ? arguments.images : data.set.test.size();
}

int verify_model(const Session& session, const VerifyArguments& arguments, SavedModel saved, const fs::path& file) {
  if (!saved.config.quantization) {
    throw core::UnsupportedError(saved.file.string(), "is not quantized: there are no integers to compare it with");
  }
  const bool dynamic = saved.config.quantization->dynamic();
  const data::LoadedData data = load_data(saved.config.data);
  check_fits(saved.input, data);
  const report::Proof proof =
      dynamic ? prove_dynamic(saved.model, data.set.test, saved.input.normalization, images_of(arguments, data))
              : prove(saved.config, saved.model, shipped_program(saved, file), data.set.test, saved.input.normalization,
                      images_of(arguments, data));
  print_proof(session, saved.file.string(), data, proof, dynamic ? Roads::kDynamic : Roads::kAll);
  return proof.equal ? kDone : kFailed;
}

int verify_alone(const Session& session, const VerifyArguments& arguments, const fs::path& file) {
  const SavedProgram saved = load_saved_program(file);
  const data::LoadedData data = load_data(saved.data);
  check_fits(saved.input, data);
  const report::Proof proof =
      prove(saved.program, data.set.test, saved.input.normalization, images_of(arguments, data));
  print_proof(session, file.string(), data, proof, Roads::kProgramAlone);
  return proof.equal ? kDone : kFailed;
}

// A program is compared with the model beside it, a model with the program beside it.
int verify(const Session& session, const VerifyArguments& arguments) {
  const InterruptGuard guard;
  const std::optional<fs::path> program = program_file(arguments.model);
  if (!program) {
    SavedModel saved = load_model(arguments.model, *session.registry);
    const fs::path beside = shipped_file(saved);
    return verify_model(session, arguments, std::move(saved), beside);
  }
  const fs::path model = program->parent_path() / kModelFile;
  if (!fs::exists(model)) return verify_alone(session, arguments, *program);
  return verify_model(session, arguments, load_model(model, *session.registry), *program);
}

}  // namespace

void add_verify(Verb& program, Session& session) {
  const auto arguments = std::make_shared<VerifyArguments>();
  Verb verb =
      add_verb(program, session, "verify",
               "prove bit by bit that fake quantization, reference and integer engine are one network, or that dynamic "
               "products are what they are defined to be",
               [&session, arguments] { return verify(session, *arguments); });
  verb.option("MODEL", arguments->model, "a run folder, a quantized model file or a program of integers").required();
  verb.option("--images", arguments->images, "so many of the test set instead of all")
      .whole_between(1, 1'000'000'000)
      .value_name("N");
}

}  // namespace tempera::cli
