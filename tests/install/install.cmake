# Installs the build tree BUILD to WORK/prefix and looks at what arrived.
file(REMOVE_RECURSE ${WORK})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix COMMAND_ERROR_IS_FATAL ANY
                OUTPUT_QUIET)
foreach(wanted bin/tempera include/tempera/core/tensor.hpp include/tempera/nn/layer.hpp include/tempera/apps/cli.hpp)
  if(NOT EXISTS ${WORK}/prefix/${wanted})
    message(FATAL_ERROR "the installation lacks ${wanted}")
  endif()
endforeach()
file(GLOB_RECURSE unwanted ${WORK}/prefix/include/*.cpp ${WORK}/prefix/include/*.ipp)
if(unwanted)
  message(FATAL_ERROR "the installation has sources among its headers: ${unwanted}")
endif()
execute_process(COMMAND ${WORK}/prefix/bin/tempera --version COMMAND_ERROR_IS_FATAL ANY)
