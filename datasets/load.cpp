#include "tempera/datasets/load.hpp"

#include <array>
#include <utility>

#include "tempera/datasets/locate.hpp"
#include "tempera/datasets/own_sets.hpp"
#include "tempera/datasets/synthetic.hpp"

namespace tempera::data {
namespace {

Dataset load_named(SetName name, const DataConfig& config, const std::optional<std::string>& dir,
                   const Environment& environment) {
  if (is_synthetic(name)) return make_synthetic(name, config.synthetic);
  if (name == SetName::kMnist) return load_known(mnist(), dir, environment);
  if (name == SetName::kFashionMnist) return load_known(fashion_mnist(), dir, environment);
  return load_own(config, environment);
}

SetName set_of(Fallback fallback) {
  constexpr std::array<SetName, 5> kSetOf{SetName::kMnist, SetName::kFashionMnist, SetName::kSyntheticBlobs,
                                          SetName::kSyntheticDigits, SetName::kSyntheticRandom};
  return kSetOf[static_cast<std::size_t>(fallback) - 1];
}

}  // namespace

Dataset load_known(const KnownSet& set, const std::optional<std::string>& dir, const Environment& environment) {
  Dataset result =
      load_idx(locate(set, dir, environment), static_cast<std::int64_t>(set.classes.size()), &set, environment);
  result.name = set.name;
  result.classes.assign(set.classes.begin(), set.classes.end());
  return result;
}

LoadedData load(const DataConfig& config, const Environment& environment) {
  std::vector<core::ConfigIssue> issues;
  LoadedData result = load(config, environment, issues);
  if (!issues.empty()) throw core::ConfigError(std::move(issues));
  return result;
}

LoadedData load(const DataConfig& config, const Environment& environment, std::vector<core::ConfigIssue>& issues) {
  LoadedData result;
  result.requested = set_name(config.name);
  try {
    result.set = load_named(config.name, config, config.dir, environment);
  } catch (const SetNotFound& error) {
    if (config.fallback == Fallback::kNone) throw;
    result.fallback = true;
    result.fallback_reason = error.what();
    try {
      result.set = load_named(set_of(config.fallback), config, std::nullopt, environment);
    } catch (const SetNotFound& second) {
      throw SetNotFound("", result.fallback_reason + "\nNor was the fallback: " + second.what());
    }
  }
  result.used = result.set.name;
  try {
    carve_validation(result.set, config.validation.value_or(default_validation(result.set.train.size())));
  } catch (const core::ConfigError& error) {
    issues.insert(issues.end(), error.issues().begin(), error.issues().end());
  }
  if (config.train_limit) result.set.train = result.set.train.first(*config.train_limit);
  if (config.test_limit) result.set.test = result.set.test.first(*config.test_limit);
  result.normalization = normalization(config.normalize, result.set.train);
  return result;
}

}  // namespace tempera::data
