#pragma once

#include "runtime/ort.h"
#include "runtime/probe.h"
#include "runtime/session.h"

namespace qprep {

/// One Simulate node of a loaded model.
class SimulateKernel {
 public:
  SimulateKernel(const SimulateCallback& callback, std::size_t number)
      : callback_(&callback), number_(number) {}
  OrtStatusPtr ComputeV2(OrtKernelContext* context);

 private:
  const SimulateCallback* callback_;
  std::size_t number_;
};

/// An operator with one float32 input and one output of its shape, which the callback fills. Domain and
/// attribute are those of Probe. The names are those that ONNX Runtime's CustomOpBase calls.
class SimulateOp : public Ort::CustomOpBase<SimulateOp, SimulateKernel, /*WithStatus=*/true> {
 public:
  explicit SimulateOp(const SimulateCallback& callback) : callback_(&callback) {}
  OrtStatusPtr CreateKernelV2(const OrtApi& api, const OrtKernelInfo* info, void** kernel) const;
  const char* GetName() const { return kSimulateOp; }
  std::size_t GetInputTypeCount() const { return 1; }
  ONNXTensorElementDataType GetInputType(std::size_t) const { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; }
  std::size_t GetOutputTypeCount() const { return 1; }
  ONNXTensorElementDataType GetOutputType(std::size_t) const { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; }

 private:
  const SimulateCallback* callback_;
};

}  // namespace qprep
