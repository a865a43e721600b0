#include "tempera/apps/experiment/search_run.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <system_error>

#include "tempera/apps/experiment/content_hash.hpp"
#include "tempera/apps/experiment/data_source.hpp"
#include "tempera/apps/experiment/initial_weights.hpp"
#include "tempera/apps/experiment/provenance.hpp"
#include "tempera/apps/experiment/run_folder.hpp"
#include "tempera/apps/terminal.hpp"
#include "tempera/apps/text_file.hpp"
#include "tempera/apps/version.hpp"
#include "tempera/core/errors.hpp"

namespace tempera::cli {
namespace fs = std::filesystem;
namespace {

using core::ConfigValue;
using nlohmann::ordered_json;

constexpr const char* kResult = "search.json";

// The same search by another name is the same; another budget is another search.
std::string identity_of(const SavedModel& saved, const LoadedConfig<ExperimentConfig>& loaded,
                        const data::LoadedData& data, const quant::BitBudget& budget) {
  ConfigValue search = ConfigValue::object();
  search.set("measure", ConfigValue::of(std::string(quant::kBudgetMeasures[static_cast<std::size_t>(budget.measure)])));
  search.set("limit", ConfigValue::of(budget.limit));
  ConfigValue whole = loaded.resolved;
  whole.set("search", std::move(search));
  return content_hash(whole, data.set.sha256 + "/" + initial_sha256(saved.file.string()), kFormatVersion);
}

// With a name of its own for what was found: under that of the rules it was found by, a run with these bits could not be told
// from one without a search. What the user calls it on the command line is meant for it.
ExperimentConfig named_config(const LoadedConfig<ExperimentConfig>& loaded) {
  constexpr const char* kFound = "-found-bits";
  ExperimentConfig config = loaded.config;
  const ConfigValue* name = loaded.source.find("name");
  const bool given = name != nullptr && name->place.file.starts_with("--set");
  if (!given && !config.name.ends_with(kFound)) config.name += kFound;
  return config;
}

}  // namespace

SearchResult run_search(SavedModel& saved, const LoadedConfig<ExperimentConfig>& loaded, const quant::BitBudget& budget,
                        const RunOptions& options) {
  check_search(saved, loaded.config, budget);
  const data::LoadedData data = load_data(saved.config.data);
  const std::string identity = identity_of(saved, loaded, data, budget);
  RunFolder folder(options.out.value_or(options.root / hashed_name(loaded.config.name + "-search", identity)), identity,
                   kResult);
  SearchResult result{.folder = folder.path(), .document = {}, .text = {}};
  if (folder.state() == FolderState::kFinished) {
    say(folder.finished_text());
    result.document = read_text(folder.file(kResult));
    return result;
  }
  folder.check_start(options.resume);
  say(fmt::format("writing to {}", folder.path().string()));
  folder.write("provenance.json",
               provenance(identity, data.set.sha256, data.set.origin, loaded.config.train).dump(2) + "\n");
  try {
    const BitSearch found = search_bits(saved, named_config(loaded), data, budget);
    folder.write("searched.json", found.config);
    folder.write("searched-training.json", found.training);
    folder.write("search.html", search_page(found, budget, saved.file.string()));
    ordered_json document = search_json(found, budget);
    document["status"] = "completed";
    document["config"] = folder.file("searched.json").string();
    document["training_config"] = folder.file("searched-training.json").string();
    result.document = document.dump(2) + "\n";
    folder.write(kResult, result.document);
    result.text = search_text(found, budget);
  } catch (const core::ConfigError&) {  // bits without integers are known only now; it leaves nothing behind
    std::error_code none;
    fs::remove(folder.file("provenance.json"), none);
    fs::remove(folder.path(), none);
    throw;
  } catch (const core::Interrupted&) {
    throw core::Interrupted(fmt::format("interrupted; {} is not finished; the same command with --resume begins again",
                                        folder.path().string()));
  }
  return result;
}

}  // namespace tempera::cli
