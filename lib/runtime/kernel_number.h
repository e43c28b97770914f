#pragma once

#include "runtime/ort.h"
#include "runtime/probe.h"

namespace qprep {

/// Result: *kernel is a new Kernel(callback, number) with the number that the node's attribute says.
template <typename Kernel, typename Callback>
OrtStatusPtr make_numbered_kernel(const Callback& callback, const OrtKernelInfo* info, void** kernel) {
  try {
    const auto number = Ort::ConstKernelInfo(info).GetAttribute<std::int64_t>(kProbeNumber);
    *kernel = new Kernel(callback, static_cast<std::size_t>(number));
    return nullptr;
  } catch (const std::exception& error) {
    return Ort::Status(error.what(), ORT_FAIL).release();
  }
}

}  // namespace qprep
