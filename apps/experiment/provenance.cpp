#include "tempera/apps/experiment/provenance.hpp"

#include <sys/utsname.h>

#include <nlohmann/json.hpp>

#include "tempera/apps/experiment/initial_weights.hpp"
#include "tempera/apps/hardware.hpp"
#include "tempera/apps/version.hpp"
#include "tempera/core/parallel.hpp"

namespace tempera::cli {
namespace {

std::string operating_system() {
  utsname name{};
  if (uname(&name) != 0) return "unknown";
  return std::string(name.sysname) + " " + name.release + " " + name.machine;
}

}  // namespace

nlohmann::ordered_json provenance(const std::string& identity, const std::string& data_sha256,
                                  const std::string& data_origin, const TrainSection& train) {
  const Hardware hardware = inspect_hardware();
  nlohmann::ordered_json facts{{"format", kFormatVersion},
                               {"run", identity},
                               {"tempera", version()},
                               {"revision", git_revision()},
                               {"compiler", TEMPERA_COMPILER},
                               {"build_type", TEMPERA_BUILD_TYPE},
                               {"system", operating_system()},
                               {"processor", hardware.processor},
                               {"cores", hardware.cores},
                               {"level", hardware.level},
                               {"threads", core::thread_count()},
                               {"precision", core::precision_name(train.precision)},
                               {"data", {{"sha256", data_sha256}, {"origin", data_origin}}}};
  if (train.initial) facts["initial"] = {{"model", *train.initial}, {"sha256", initial_sha256(*train.initial)}};
  if (train.precision == core::Precision::kBf16) {
    const std::string_view native = core::bf16_instructions();
    facts["bf16"] = native.empty() ? "emulated" : native;
  }
  return facts;
}

}  // namespace tempera::cli
