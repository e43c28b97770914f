#include "onnx_io/read_tensor_file.h"

#include <climits>
#include <memory>

#include "onnx_io/read_tensor.h"
#include "support/codes.h"
#include "support/diagnostics.h"
#include "support/mapped_file.h"

namespace qprep {
namespace {

[[noreturn]] void refuse(const std::string& file, std::string message) {
  throw Fatal(codes::kBadSample, std::move(message), {file, 0, 0});
}

}  // namespace

TensorFile read_tensor_file(const std::string& file) {
  const auto mapped = MappedFile::open(file);
  const std::span<const std::byte> bytes = mapped->bytes();
  auto parsed = std::make_shared<ParsedModel>();
  parsed->model = google::protobuf::Arena::CreateMessage<onnx::ModelProto>(&parsed->arena);
  onnx::TensorProto& tensor = *parsed->model->mutable_graph()->add_initializer();
  const bool is_tensor = !bytes.empty() && bytes.size() <= INT_MAX &&
                         tensor.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) &&
                         tensor.data_type() != onnx::TensorProto::UNDEFINED;
  if (!is_tensor) refuse(file, "it is no ONNX tensor (TensorProto), or a damaged or truncated one");
  if (is_external(tensor)) refuse(file, "its numbers lie in another file; a sample holds its own");
  if (tensor.data_type() == onnx::TensorProto::STRING)
    refuse(file, "it holds strings; a sample is an array of numbers");
  // read_tensor finds raw data by their number among the payloads.
  const auto raw = std::make_shared<const std::string>(tensor.raw_data());
  if (tensor.has_raw_data()) {
    parsed->payloads = {std::as_bytes(std::span<const char>(*raw))};
    parsed->owner = raw;
    tensor.set_raw_data(placeholder(0));
  }
  try {
    Tensor read = read_tensor(parsed, tensor, "this tensor", file);
    if (bit_width(read.dtype()) != 0) return {tensor.name(), std::move(read)};
  } catch (const Fatal& unfit) {
    refuse(file, unfit.diagnostics().front().message);
  }
  refuse(file, "it holds numbers of a type that is not known");
}

}  // namespace qprep
