# One target that every other links: warnings are errors.
add_library(qprep_warnings INTERFACE)
target_compile_options(qprep_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Wold-style-cast -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 sees overlaps in std::string's operator+ that cannot be (its bug 105651).
  target_compile_options(qprep_warnings INTERFACE -Wno-restrict)
endif()
