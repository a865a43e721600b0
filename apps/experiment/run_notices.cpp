#include "tempera/apps/experiment/run_notices.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <string_view>
#include <vector>

#include "tempera/apps/experiment/format_notices.hpp"
#include "tempera/apps/terminal.hpp"
#include "tempera/quant/attach.hpp"

namespace tempera::cli {
namespace {

// Settings that a study which varies "when" leaves without effect in some of its runs, and a mistake elsewhere.
void note_useless(const quant::QuantizationConfig& section) {
  std::vector<std::string_view> useless;
  const bool after = section.when == quant::When::kAfter;
  if (after && section.start_epoch > 0) useless.emplace_back("start_epoch");
  if (after && section.freeze_observers) useless.emplace_back("freeze_observers");
  if (after && section.freeze_batch_norm) useless.emplace_back("freeze_batch_norm");
  if (!after && section.calibration.equalize) useless.emplace_back("calibration.equalize");
  if (!after && section.calibration.adaround) useless.emplace_back("calibration.adaround");
  if (!after && section.calibration.bias_correction) useless.emplace_back("calibration.bias_correction");
  if (useless.empty()) return;
  say(fmt::format("without effect in \"quantization\", as \"when\" is \"{}\": {}", after ? "after" : "aware",
                  fmt::join(useless, ", ")));
}

}  // namespace

void announce(const ExperimentConfig& config, const data::LoadedData& data, const std::optional<Arithmetic>& arithmetic,
              const std::filesystem::path& folder) {
  nn::Model plan = nn::Model::planned(config.model, data.set.sample());
  const nn::ModelFacts facts = plan.facts();
  say(fmt::format("{}: {} parameters; {} training, {} validation, {} test images of {} ({})", config.name,
                  count_text(facts.parameters), count_text(data.set.train.size()),
                  count_text(data.set.validation.size()), count_text(data.set.test.size()), data.used,
                  data.set.origin));
  const Hardware hardware = inspect_hardware();
  say(formats_line(hardware));
  if (config.quantization) {
    note_useless(*config.quantization);
    const auto sites = quant::plan(plan, *config.quantization);
    for (const std::string& notice : format_notices(sites, hardware, config.lower.has_value())) say(notice);
    // Lowered, they are all of integers.
    if (arithmetic && config.quantization->dynamic()) say(arithmetic_text(*arithmetic));
  }
  for (const std::string& notice : precision_notices(config.train.precision, hardware)) say(notice);
  say(fmt::format("writing to {}", folder.string()));
}

void warn_of_float_form(const report::Proof& proof) {
  constexpr double kMuch = 0.02;
  if (!proof.equal || !(proof.float_predictions > kMuch)) return;
  warn(fmt::format(
      "the float form, which training used, answers otherwise on {:.1f} % of the images: "
      "compare its validation accuracy with the test accuracy in integers; a batch norm with a very small variance, "
      "folded into weights of few bits, does that (scales per_channel, freeze_batch_norm, or more bits there)",
      100 * proof.float_predictions));
}

}  // namespace tempera::cli
