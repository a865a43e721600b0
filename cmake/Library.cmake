# One library per folder, built and installed the same way.

# The folders that exist, lowest first.
set(TEMPERA_FOLDERS)
foreach(folder core nn quant distill datasets apps)
  if(EXISTS ${PROJECT_SOURCE_DIR}/${folder})
    list(APPEND TEMPERA_FOLDERS ${folder})
  endif()
endforeach()

# Headers are reached as "tempera/<folder>/<name>.hpp" in the tree as they are once installed.
set(TEMPERA_INCLUDE_DIR ${PROJECT_BINARY_DIR}/include)
file(MAKE_DIRECTORY ${TEMPERA_INCLUDE_DIR}/tempera)
foreach(folder ${TEMPERA_FOLDERS})
  if(NOT EXISTS ${TEMPERA_INCLUDE_DIR}/tempera/${folder})
    file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${folder} ${TEMPERA_INCLUDE_DIR}/tempera/${folder} SYMBOLIC)
  endif()
endforeach()

# tempera_library(<folder> [NAME <name>] DEPENDS <targets...> PRIVATE_DEPENDS <targets...> BUILD_DEPENDS <targets...>
#                 [F64 <patterns...>])
# The folder's .cpp files, without main.cpp, become the target tempera_<name>, known as tempera::<name> here and in the
# installed package. DEPENDS appear in headers; PRIVATE_DEPENDS only in .cpp files but have something to link;
# BUILD_DEPENDS are headers that only .cpp files include, so that users of the installed package need not have them.
# F64 names the files that have derivatives to check, with what those call: in double precision nothing else is compiled.
# One that is missing there fails the link of test_gradcheck.
function(tempera_library folder)
  cmake_parse_arguments(arg "" "NAME" "DEPENDS;PRIVATE_DEPENDS;BUILD_DEPENDS;F64" ${ARGN})
  set(name ${folder})
  if(arg_NAME)
    set(name ${arg_NAME})
  endif()
  if(TEMPERA_F64 AND arg_F64)
    list(TRANSFORM arg_F64 PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE patterns)
    file(GLOB sources CONFIGURE_DEPENDS ${patterns})
  else()
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  endif()
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  set(target tempera_${name})
  add_library(${target} STATIC ${sources})
  tempera_group(${target} ${sources})
  add_library(tempera::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${TEMPERA_INCLUDE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_definitions(${target} PUBLIC $<$<BOOL:${TEMPERA_F64}>:TEMPERA_F64>)
  target_link_libraries(${target} PUBLIC ${arg_DEPENDS} PRIVATE ${arg_PRIVATE_DEPENDS})
  foreach(dependency tempera_options ${arg_BUILD_DEPENDS})
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:${dependency}>)
  endforeach()
  install(TARGETS ${target} EXPORT tempera-targets)
  install(DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tempera/${folder}
          FILES_MATCHING PATTERN "*.hpp")
endfunction()
