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

# qprep_embed_words(TARGET [NAME FILE]...): builds files of configs/words into the target, as the constants of
# config/embedded.h.
function(qprep_embed_words target)
  while(ARGN)
    list(POP_FRONT ARGN name file)
    set(path ${CMAKE_SOURCE_DIR}/configs/words/${file})
    file(READ ${path} ${name})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
  endwhile()
  configure_file(${CMAKE_CURRENT_SOURCE_DIR}/${target}/embedded.cc.in ${CMAKE_CURRENT_BINARY_DIR}/embedded.cc @ONLY)
  target_sources(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/embedded.cc)
endfunction()
