# How every file of the project is compiled: the language, the warnings, the sanitizers, ccache where present.
# Targets take these flags by linking to tempera::options, which is never exported.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(TEMPERA_CCACHE ccache)
mark_as_advanced(TEMPERA_CCACHE)
if(TEMPERA_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${TEMPERA_CCACHE})
endif()

# tempera_group(<target> <sources...>): where a preset asks for it (CMAKE_UNITY_BUILD), neighbouring files are compiled as
# one, since reading the headers is most of the work: those of a folder of up to 56 KB, else those that begin with a-l and
# with m-z, from 160 KB on a-d, e-l, m-q and r-z. So a new file seldom moves others into other company, and no group takes
# long. Names in the anonymous namespaces of such files must differ; a file that cannot has SKIP_UNITY_BUILD_INCLUSION. The
# presets debug, tidy, coverage and bench compile every file alone.
function(tempera_group target)
  foreach(source ${ARGN})
    cmake_path(GET source PARENT_PATH folder)
    file(SIZE ${source} bytes)
    math(EXPR size_${folder} "0${size_${folder}} + ${bytes}")
  endforeach()
  foreach(source ${ARGN})
    cmake_path(GET source PARENT_PATH folder)
    set(ranges a-d e-l m-q r-z)
    if(size_${folder} LESS 57344)
      set(ranges a-z)
    elseif(size_${folder} LESS 163840)
      set(ranges a-l m-z)
    endif()
    file(RELATIVE_PATH group ${PROJECT_SOURCE_DIR} ${source})
    foreach(letters ${ranges})
      string(REGEX REPLACE "/(test_)?[${letters}][^/]*[.]cpp$" "/${letters}" group ${group})
    endforeach()
    string(REGEX REPLACE "[/-]" "_" group ${group})
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${group})
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD_MODE GROUP)
endfunction()

add_library(tempera_options INTERFACE)
add_library(tempera::options ALIAS tempera_options)
target_compile_options(tempera_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -Wno-missing-field-initializers $<$<BOOL:${TEMPERA_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # Sees overlap in "text" + std::string where there is none (GCC bug 105651, fixed in 13).
  target_compile_options(tempera_options INTERFACE -Wno-restrict)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Collect garbage only above 512 MB: a sixth less time for a fifth more memory. It has no part in what comes out.
  target_compile_options(tempera_options INTERFACE
    "SHELL:--param ggc-min-heapsize=524288" "SHELL:--param ggc-min-expand=300")
endif()

if(TEMPERA_SANITIZE)
  target_compile_options(tempera_options INTERFACE
    -fsanitize=${TEMPERA_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all
    -Wno-maybe-uninitialized)  # GCC sees it inside the standard library once the sanitizers' calls are in
  target_link_options(tempera_options INTERFACE -fsanitize=${TEMPERA_SANITIZE})
endif()
if(TEMPERA_COVERAGE)
  target_compile_options(tempera_options INTERFACE --coverage -fprofile-update=atomic)
  target_link_options(tempera_options INTERFACE --coverage)
endif()
