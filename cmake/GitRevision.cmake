# Run at build time: writes OUTPUT (a C++ file) with the revision of SOURCE, only if it changed.
# Pages of results are written about a revision and change nothing that is built.
execute_process(COMMAND git -C ${SOURCE} describe --always --abbrev=12 --exclude=*
                OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
execute_process(COMMAND git -C ${SOURCE} status --porcelain --untracked-files=no -- . :!docs/results
                OUTPUT_VARIABLE changes OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT changes STREQUAL "")
  string(APPEND revision -dirty)
endif()
if(failed OR revision MATCHES "^(-dirty)?$")
  set(revision unknown)
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT
"#include \"tempera/apps/version.hpp\"

namespace tempera::cli {
const char* git_revision() noexcept { return \"${revision}\"; }
}  // namespace tempera::cli
")
