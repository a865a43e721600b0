#include "tempera/apps/experiment/data_source.hpp"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "tempera/apps/interrupt.hpp"
#include "tempera/apps/terminal.hpp"

namespace tempera::cli {

data::Environment data_environment() {
  data::Environment environment = data::Environment::of_process();
  const auto line = std::make_shared<ProgressLine>();
  environment.progress = [line](const std::string& file, std::int64_t done, std::int64_t total) {
    if (line->due()) {
      const double fraction = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 0;
      line->draw(fraction, "downloading " + file, bytes_text(static_cast<double>(done)));
    }
    return !interrupt_requested();
  };
  return environment;
}

std::string passed_over_text(const data::Dataset& set) {
  return fmt::format("the folder that data.dir names does not have {} ({}): it is taken from {}", set.name,
                     set.passed_over, set.origin);
}

data::LoadedData load_data(const data::DataConfig& config) {
  std::vector<core::ConfigIssue> issues;
  data::LoadedData data = load_data(config, issues);
  if (!issues.empty()) throw core::ConfigError(std::move(issues));
  return data;
}

data::LoadedData load_data(const data::DataConfig& config, std::vector<core::ConfigIssue>& issues) {
  data::LoadedData data = data::load(config, data_environment(), issues);
  if (!data.set.passed_over.empty()) warn(passed_over_text(data.set));
  if (data.fallback) {
    warn(fmt::format("\"{}\" could not be had, \"{}\" is used instead: results are NOT those of {}", data.requested,
                     data.used, data.requested));
    say(data.fallback_reason);
  }
  return data;
}

std::optional<core::Shape> declared_sample(const data::DataConfig& config) {
  switch (config.name) {
    case data::SetName::kMnist:
    case data::SetName::kFashionMnist:
      return core::Shape{1, 28, 28};
    case data::SetName::kIdx:
    case data::SetName::kNpy:
      return std::nullopt;
    case data::SetName::kSyntheticBlobs:
    case data::SetName::kSyntheticDigits:
    case data::SetName::kSyntheticRandom:
      return core::Shape{config.synthetic.channels, config.synthetic.height, config.synthetic.width};
  }
  return std::nullopt;
}

}  // namespace tempera::cli
