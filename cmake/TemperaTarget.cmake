# One library per folder, built the same way: tempera_library(core DEPENDS ...).
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(TEMPERA_CCACHE ccache)
if(TEMPERA_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${TEMPERA_CCACHE})
endif()

# Headers are reached as "tempera/<folder>/<name>.hpp" in the tree as they are once installed.
set(TEMPERA_INCLUDE_DIR ${PROJECT_BINARY_DIR}/include)
file(MAKE_DIRECTORY ${TEMPERA_INCLUDE_DIR}/tempera)
foreach(folder core nn quant distill datasets apps)
  if(NOT EXISTS ${TEMPERA_INCLUDE_DIR}/tempera/${folder})
    file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${folder} ${TEMPERA_INCLUDE_DIR}/tempera/${folder} SYMBOLIC)
  endif()
endforeach()

add_library(tempera_options INTERFACE)
add_library(tempera::options ALIAS tempera_options)
target_compile_options(tempera_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Wold-style-cast -Wno-missing-field-initializers
  $<$<BOOL:${TEMPERA_WERROR}>:-Werror>)
if(TEMPERA_SANITIZE)
  target_compile_options(tempera_options INTERFACE -fsanitize=${TEMPERA_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(tempera_options INTERFACE -fsanitize=${TEMPERA_SANITIZE})
endif()

# tempera_library(<folder> DEPENDS <targets...> PRIVATE_DEPENDS <targets...>): the folder's .cpp files become
# the target tempera_<folder>, with the alias tempera::<folder> that also the installed package has.
function(tempera_library folder)
  cmake_parse_arguments(arg "" "" "DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  set(target tempera_${folder})
  if(NOT sources)  # headers only
    add_library(${target} INTERFACE)
    add_library(tempera::${folder} ALIAS ${target})
    target_link_libraries(${target} INTERFACE ${arg_DEPENDS})
    return()
  endif()
  add_library(${target} STATIC ${sources})
  add_library(tempera::${folder} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${folder})
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${TEMPERA_INCLUDE_DIR}> $<INSTALL_INTERFACE:include>)
  target_compile_definitions(${target} PUBLIC $<$<BOOL:${TEMPERA_F64}>:TEMPERA_F64>)
  target_link_libraries(${target} PUBLIC ${arg_DEPENDS} PRIVATE $<BUILD_INTERFACE:tempera_options> ${arg_PRIVATE_DEPENDS})
endfunction()
