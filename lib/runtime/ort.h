#pragma once

/// ONNX Runtime's C++ interface, for lib/runtime alone. ORT_API_MANUAL_INIT: the functions are those that
/// Library found, not ones that the linker would look for.
#ifndef ORT_API_MANUAL_INIT
#define ORT_API_MANUAL_INIT
#endif
#include <onnxruntime_cxx_api.h>
