# Builds the project SOURCE against the installation WORK/prefix with find_package(tempera), and trains its layer for two
# steps: 32 samples in batches of 16. Its parameter must be in the model file.
set(ENV{CXXFLAGS} "${FLAGS}")
execute_process(COMMAND ${CMAKE_COMMAND} -G ${GENERATOR} -S ${SOURCE} -B ${WORK}/example -DCMAKE_BUILD_TYPE=Debug
                        -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_PREFIX_PATH=${WORK}/prefix COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${WORK}/example COMMAND_ERROR_IS_FATAL ANY)

file(REMOVE_RECURSE ${WORK}/run)
execute_process(COMMAND ${WORK}/example/own_layer run ${SOURCE}/swish.json --out ${WORK}/run
                        --set train.epochs=1 --set train.batch=16 --set data.train_limit=32 COMMAND_ERROR_IS_FATAL ANY)
file(READ ${WORK}/run/summary.json summary)
string(JSON steps GET "${summary}" training steps)
if(NOT steps EQUAL 2)
  message(FATAL_ERROR "the run made ${steps} steps, not 2")
endif()
file(STRINGS ${WORK}/run/model.safetensors slope REGEX "act1.slope" LIMIT_COUNT 1)
if(NOT slope)
  message(FATAL_ERROR "the model file has no parameter act1.slope")
endif()
