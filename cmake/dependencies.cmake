# The libraries that scripts/setup brings. Each becomes one target; nothing else looks for a package.
set(QPREP_DEPS ${CMAKE_SOURCE_DIR}/.deps CACHE PATH "what scripts/setup made")

find_program(CCACHE ccache)
if(CCACHE)
  # The build folder's path does not change what the compiler writes, so that folders share the cache.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} ${CCACHE})
endif()

find_package(Threads REQUIRED)
find_package(Eigen3 REQUIRED NO_MODULE)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(fmt REQUIRED)
# Headers alone: lib/support/fmt_definitions.cc is its library, since Debian has no static one.
add_library(fmt_headers INTERFACE)
target_include_directories(fmt_headers SYSTEM INTERFACE $<TARGET_PROPERTY:fmt::fmt,INTERFACE_INCLUDE_DIRECTORIES>)
find_package(Catch2 2 REQUIRED)

# Static where Debian has it, so that the installed program runs on a machine without these packages.
find_library(PROTOBUF_LIBRARY NAMES libprotobuf.a REQUIRED)
add_library(protobuf::libprotobuf STATIC IMPORTED)
set_target_properties(protobuf::libprotobuf PROPERTIES IMPORTED_LOCATION ${PROTOBUF_LIBRARY})
target_link_libraries(protobuf::libprotobuf INTERFACE Threads::Threads)

find_library(YAML_CPP_LIBRARY NAMES libyaml-cpp.a REQUIRED)
add_library(yaml_cpp STATIC IMPORTED)
set_target_properties(yaml_cpp PROPERTIES IMPORTED_LOCATION ${YAML_CPP_LIBRARY})

find_library(RE2_LIBRARY NAMES libre2.a REQUIRED)
add_library(re2 STATIC IMPORTED)
set_target_properties(re2 PROPERTIES IMPORTED_LOCATION ${RE2_LIBRARY})
target_link_libraries(re2 INTERFACE Threads::Threads)

# Pictures and compressed arrays among samples. Static, so that the program runs where they are not.
find_library(ZLIB_LIBRARY NAMES libz.a REQUIRED)
add_library(zlib STATIC IMPORTED)
set_target_properties(zlib PROPERTIES IMPORTED_LOCATION ${ZLIB_LIBRARY})

find_library(PNG_LIBRARY NAMES libpng.a REQUIRED)
add_library(png STATIC IMPORTED)
set_target_properties(png PROPERTIES IMPORTED_LOCATION ${PNG_LIBRARY})
target_link_libraries(png INTERFACE zlib m)

find_library(TURBOJPEG_LIBRARY NAMES libturbojpeg.a REQUIRED)
add_library(turbojpeg STATIC IMPORTED)
set_target_properties(turbojpeg PROPERTIES IMPORTED_LOCATION ${TURBOJPEG_LIBRARY})

# Headers alone.
find_path(XXHASH_INCLUDE xxhash.h REQUIRED)
add_library(xxhash INTERFACE)
target_compile_definitions(xxhash INTERFACE XXH_INLINE_ALL)

# A graph is hundreds of thousands of small objects: glibc's allocator takes as long as everything else together.
# Sanitizers bring their own.
find_library(JEMALLOC_LIBRARY NAMES libjemalloc_pic.a REQUIRED)
add_library(allocator INTERFACE)
if(NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize")
  target_link_libraries(allocator INTERFACE ${JEMALLOC_LIBRARY} Threads::Threads ${CMAKE_DL_LIBS})
endif()

add_library(onnx_proto STATIC IMPORTED)
set_target_properties(onnx_proto PROPERTIES
  IMPORTED_LOCATION ${QPREP_DEPS}/onnx/lib/libonnx_proto.a)
add_library(onnx STATIC IMPORTED)
set_target_properties(onnx PROPERTIES IMPORTED_LOCATION ${QPREP_DEPS}/onnx/lib/libonnx.a)
target_include_directories(onnx SYSTEM INTERFACE ${QPREP_DEPS}/onnx/include)
target_compile_definitions(onnx INTERFACE ONNX_NAMESPACE=onnx ONNX_ML=1)

# Programs in a build tree find the library through their run path (which an installed one has not). RPATH, not
# RUNPATH: the latter holds only for the object that calls dlopen, which is the sanitizer's where there is one.
set(CMAKE_BUILD_RPATH ${QPREP_DEPS}/ort/lib)
add_link_options(-Wl,--disable-new-dtags)
add_library(onnxruntime_headers INTERFACE)
target_include_directories(onnxruntime_headers SYSTEM INTERFACE ${QPREP_DEPS}/ort/include)
