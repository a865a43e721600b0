#include "tempera/apps/version.hpp"

namespace tempera::cli {

const char* version() noexcept { return TEMPERA_VERSION; }

}  // namespace tempera::cli
