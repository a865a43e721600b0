# Run at build time: writes OUTPUT (a C++ file) with the revision of SOURCE, only if it changed.
execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --abbrev=12 --exclude=*
                OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(failed OR revision STREQUAL "")
  set(revision unknown)
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT
"#include \"tempera/apps/version.hpp\"

namespace tempera::cli {
const char* git_revision() noexcept { return \"${revision}\"; }
}  // namespace tempera::cli
")
