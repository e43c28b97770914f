# qprep_library(NAME [LINKS...]): the static library of lib/NAME, from all its sources.
# Headers are included as "NAME/file.h".
function(qprep_library name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cc)
  if(NOT sources)
    return()
  endif()
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${ARGN} PRIVATE qprep_warnings)
endfunction()
