#include "tempera/datasets/environment.hpp"

#include <cstdlib>

namespace tempera::data {
namespace {

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::string(value);
}

std::optional<std::filesystem::path> cache_folder() {
  if (const auto xdg = variable("XDG_CACHE_HOME")) {
    const std::filesystem::path folder(*xdg);
    if (folder.is_absolute()) return folder / "tempera";
  }
  if (const auto home = variable("HOME")) return std::filesystem::path(*home) / ".cache" / "tempera";
  return std::nullopt;
}

}  // namespace

Environment Environment::of_process() {
  Environment environment;
  if (const auto data = variable("TEMPERA_DATA")) environment.data = *data;
  environment.cache = cache_folder();
  environment.mirror = variable("TEMPERA_MNIST_MIRROR");
  return environment;
}

}  // namespace tempera::data
