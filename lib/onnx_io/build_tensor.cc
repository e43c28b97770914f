#include "onnx_io/build_tensor.h"

#include <stdexcept>

#include "onnx_io/protobuf_copy.h"
#include "onnx_io/read_tensor.h"

namespace qprep {

void TensorBuilder::build(const Tensor& tensor, onnx::TensorProto& proto) {
  for (const std::int64_t dim : tensor.dims()) proto.add_dims(dim);
  proto.set_data_type(static_cast<std::int32_t>(tensor.dtype()));
  if (tensor.dtype() == DType::kString) {
    const onnx::TensorProto* strings = string_record(tensor);
    if (!strings) throw std::logic_error("a string tensor without the record of its strings");
    *proto.mutable_string_data() = strings->string_data();
    return;
  }
  if (tensor.dtype() == DType::kUndefined) {
    throw std::logic_error("a tensor that only its own record can write stands elsewhere");
  }
  proto.set_raw_data(placeholder(payloads_.size()));
  payloads_.push_back(tensor.payload());
  if (external_ && tensor.payload().size() >= kSmallestExternal) {
    proto.set_data_location(onnx::TensorProto::EXTERNAL);
  }
}

void TensorBuilder::replace_data(const Tensor& tensor, const onnx::TensorProto& record,
                                 onnx::TensorProto& proto) {
  using P = onnx::TensorProto;
  copy_fields(record, proto,
              {P::kDimsFieldNumber, P::kDataTypeFieldNumber, P::kSegmentFieldNumber, P::kFloatDataFieldNumber,
               P::kInt32DataFieldNumber, P::kStringDataFieldNumber, P::kInt64DataFieldNumber,
               P::kRawDataFieldNumber, P::kDoubleDataFieldNumber, P::kUint64DataFieldNumber});
  build(tensor, proto);
}

}  // namespace qprep
