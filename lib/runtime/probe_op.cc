#include "runtime/probe_op.h"

#include <array>
#include <vector>

#include "runtime/kernel_number.h"

namespace qprep {

OrtStatusPtr ProbeKernel::ComputeV2(OrtKernelContext* context) {
  try {
    Ort::KernelContext run(context);
    const Ort::ConstValue tensor = run.GetInput(0);
    const Ort::TensorTypeAndShapeInfo info = tensor.GetTensorTypeAndShapeInfo();
    const auto dtype = static_cast<DType>(info.GetElementType());
    const std::size_t bytes = payload_size(dtype, info.GetElementCount()).value_or(0);
    const std::vector<std::int64_t> dims = info.GetShape();
    (*callback_)(number_, dtype, dims, {static_cast<const std::byte*>(tensor.GetTensorRawData()), bytes});
    const std::array<std::int64_t, 1> nothing = {0};
    run.GetOutput(0, nothing.data(), nothing.size());
    return nullptr;
  } catch (const std::exception& error) {
    return Ort::Status(error.what(), ORT_FAIL).release();
  }
}

OrtStatusPtr ProbeOp::CreateKernelV2(const OrtApi&, const OrtKernelInfo* info, void** kernel) const {
  return make_numbered_kernel<ProbeKernel>(*callback_, info, kernel);
}

}  // namespace qprep
