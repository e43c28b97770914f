#include "runtime/simulate_op.h"

#include <vector>

#include "runtime/kernel_number.h"

namespace qprep {

OrtStatusPtr SimulateKernel::ComputeV2(OrtKernelContext* context) {
  try {
    Ort::KernelContext run(context);
    const Ort::ConstValue x = run.GetInput(0);
    const Ort::TensorTypeAndShapeInfo info = x.GetTensorTypeAndShapeInfo();
    const std::vector<std::int64_t> dims = info.GetShape();
    Ort::UnownedValue y = run.GetOutput(0, dims.data(), dims.size());
    const std::size_t count = info.GetElementCount();
    (*callback_)(number_, dims, {x.GetTensorData<float>(), count}, {y.GetTensorMutableData<float>(), count});
    return nullptr;
  } catch (const std::exception& error) {
    return Ort::Status(error.what(), ORT_FAIL).release();
  }
}

OrtStatusPtr SimulateOp::CreateKernelV2(const OrtApi&, const OrtKernelInfo* info, void** kernel) const {
  return make_numbered_kernel<SimulateKernel>(*callback_, info, kernel);
}

}  // namespace qprep
