# Makes the reference pages anew and compares them with those in docs/reference.
execute_process(COMMAND bash ${SOURCE}/docs/make_reference.sh ${TEMPERA} ${WORK} COMMAND_ERROR_IS_FATAL ANY)
foreach(page IN LISTS PAGES)
  file(READ ${WORK}/${page} made)
  file(READ ${SOURCE}/docs/reference/${page} kept)
  if(NOT made STREQUAL kept)
    message(SEND_ERROR "docs/reference/${page} is not what the program says now (${WORK}/${page}); ./dev docs writes it anew")
  endif()
endforeach()
