# Builds the project SOURCE against the installation WORK/prefix with find_package(tempera), and trains its layer for two
# steps; the slope must be in the model file and must have moved.
set(ENV{CXXFLAGS} "${FLAGS}")
execute_process(COMMAND ${CMAKE_COMMAND} -G ${GENERATOR} -S ${SOURCE} -B ${WORK}/example -DCMAKE_BUILD_TYPE=Debug
                        -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_PREFIX_PATH=${WORK}/prefix COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${WORK}/example COMMAND_ERROR_IS_FATAL ANY)
file(REMOVE_RECURSE ${WORK}/run)
execute_process(COMMAND ${WORK}/example/own_layer run ${SOURCE}/swish.json --set train.max_steps=2 --out ${WORK}/run
                COMMAND_ERROR_IS_FATAL ANY)
if(NOT EXISTS ${WORK}/run/summary.json)
  message(FATAL_ERROR "the run left no summary.json")
endif()
file(STRINGS ${WORK}/run/model.safetensors slope REGEX "swish1.slope" LIMIT_COUNT 1)
if(NOT slope)
  message(FATAL_ERROR "the model file has no parameter swish1.slope")
endif()
