#pragma once

#include "runtime/ort.h"
#include "runtime/probe.h"
#include "runtime/session.h"

namespace qprep {

/// One Probe node of a loaded model.
class ProbeKernel {
 public:
  ProbeKernel(const ProbeCallback& callback, std::size_t number) : callback_(&callback), number_(number) {}
  OrtStatusPtr ComputeV2(OrtKernelContext* context);

 private:
  const ProbeCallback* callback_;
  std::size_t number_;
};

/// The operator of the nodes that append_probes makes: one input of any type, one output that is always
/// empty. The names are those that ONNX Runtime's CustomOpBase calls.
class ProbeOp : public Ort::CustomOpBase<ProbeOp, ProbeKernel, /*WithStatus=*/true> {
 public:
  explicit ProbeOp(const ProbeCallback& callback) : callback_(&callback) {}
  OrtStatusPtr CreateKernelV2(const OrtApi& api, const OrtKernelInfo* info, void** kernel) const;
  const char* GetName() const { return kProbeOp; }
  std::size_t GetInputTypeCount() const { return 1; }
  ONNXTensorElementDataType GetInputType(std::size_t) const {
    return ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
  }
  std::size_t GetOutputTypeCount() const { return 1; }
  ONNXTensorElementDataType GetOutputType(std::size_t) const { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; }

 private:
  const ProbeCallback* callback_;
};

}  // namespace qprep
