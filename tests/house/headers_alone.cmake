# The test house.headers_alone: every header compiles as the first line of a file, with nothing but what the installed
# package would give its users. The target is built by the test, so that the message stands in the test's output. A header
# with a source of its name is the first line of that (a rule that tests/house keeps), so that the build has compiled it.
add_library(tempera_headers_alone OBJECT EXCLUDE_FROM_ALL)
foreach(folder ${TEMPERA_FOLDERS})
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/${folder}/*.hpp)
  list(REMOVE_ITEM headers core/xt.hpp)  # shows xtensor on purpose, to .cpp files only
  foreach(header ${headers})
    string(REGEX REPLACE "\\.hpp$" ".cpp" own_source ${header})
    if(EXISTS ${PROJECT_SOURCE_DIR}/${own_source})
      continue()
    endif()
    set(source ${CMAKE_CURRENT_BINARY_DIR}/headers_alone/${header}.cpp)
    file(CONFIGURE OUTPUT ${source} CONTENT "#include \"tempera/${header}\"\n")
    target_sources(tempera_headers_alone PRIVATE ${source})
  endforeach()
endforeach()
target_compile_options(tempera_headers_alone PRIVATE -O0)
target_link_libraries(tempera_headers_alone PRIVATE tempera_options tempera::nn tempera::datasets)
add_test(NAME house.headers_alone
         COMMAND ${CMAKE_COMMAND} --build ${PROJECT_BINARY_DIR} --target tempera_headers_alone)
set_tests_properties(house.headers_alone PROPERTIES TIMEOUT 600)
