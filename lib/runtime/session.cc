#include "runtime/session.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fmt/format.h>
#include <onnxruntime_session_options_config_keys.h>
#include <optional>
#include <utility>

#include "runtime/library.h"
#include "runtime/ort.h"
#include "runtime/probe_op.h"
#include "runtime/simulate_op.h"
#include "support/codes.h"
#include "support/diagnostics.h"
#include "support/mapped_file.h"

namespace qprep {
namespace {

/// ONNX Runtime's kernels may load whole vectors; an .npy file may start its data anywhere.
constexpr std::size_t kAlignment = 64;

/// ONNX Runtime's message as one line, without the places in its sources.
std::string one_line(std::string_view message) {
  std::string line;
  for (std::size_t at = 0; at < message.size();) {
    const std::size_t end = std::min(message.find_first_of(" \n", at), message.size());
    const std::string_view word = message.substr(at, end - at);
    const bool is_source =
        word.starts_with('/') && word.find("/onnxruntime/") != word.npos && word.find(':') != word.npos;
    if (!word.empty() && !is_source) {
      if (!line.empty()) line += ' ';
      line += word;
    }
    at = end + 1;
  }
  return line;
}

[[noreturn]] void refuse(const std::string& model, std::string_view doing, const std::string& reason) {
  throw Fatal(codes::kRuntimeFailure, fmt::format("ONNX Runtime {}: {}", doing, one_line(reason)), {model});
}

Type tensor_type(const Ort::ConstTensorTypeAndShapeInfo& info) {
  const std::vector<std::int64_t> sizes = info.GetShape();
  // The interface of this version cannot tell a scalar from a tensor of unknown rank.
  if (sizes.empty()) return Type::tensor(static_cast<DType>(info.GetElementType()));
  std::vector<const char*> symbols(sizes.size());
  info.GetSymbolicDimensions(symbols.data(), symbols.size());
  Shape shape;
  for (std::size_t i = 0; i < sizes.size(); ++i) shape.push_back({sizes[i], symbols[i] ? symbols[i] : ""});
  return Type::tensor(static_cast<DType>(info.GetElementType()), std::move(shape));
}

Port port_of(std::string name, const Ort::TypeInfo& type, bool has_default) {
  const bool is_tensor = type.GetONNXType() == ONNX_TYPE_TENSOR;
  return {std::move(name),
          is_tensor ? tensor_type(type.GetTensorTypeAndShapeInfo()) : Type{Type::Kind::kOther, {}, {}},
          has_default};
}

bool is_plain_tensor(const Ort::Value& value) {
  return value.IsTensor() &&
         value.GetTensorTypeAndShapeInfo().GetElementType() != ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING;
}

std::string kind_of(const Ort::Value& value) {
  if (!value) return "an optional that is absent";
  switch (value.GetTypeInfo().GetONNXType()) {
    case ONNX_TYPE_TENSOR:
      return "a tensor of strings";
    case ONNX_TYPE_SEQUENCE:
      return "a sequence";
    case ONNX_TYPE_MAP:
      return "a map";
    case ONNX_TYPE_SPARSETENSOR:
      return "a sparse tensor";
    default:
      return "no tensor";
  }
}

/// A tensor that owns ONNX Runtime's buffer, and keeps its session.
Tensor to_tensor(Ort::Value value, std::shared_ptr<const void> session) {
  struct Owner {
    std::shared_ptr<const void> session;
    Ort::Value value;  // goes first
  };
  const auto owner = std::make_shared<const Owner>(Owner{std::move(session), std::move(value)});
  const Ort::TensorTypeAndShapeInfo info = owner->value.GetTensorTypeAndShapeInfo();
  const auto dtype = static_cast<DType>(info.GetElementType());
  const auto size = payload_size(dtype, info.GetElementCount()).value_or(0);
  const auto* data = static_cast<const std::byte*>(size > 0 ? owner->value.GetTensorRawData() : nullptr);
  return Tensor(dtype, info.GetShape(), {data, size}, owner);
}

}  // namespace

struct Session::Loaded {
  explicit Loaded(const SessionOptions& options)
      : probe(options.probe), simulate(options.simulate), probe_op(probe), simulate_op(simulate) {
    settings.SetIntraOpNumThreads(options.intra_op_threads);
    settings.SetInterOpNumThreads(1);
    settings.SetExecutionMode(ORT_SEQUENTIAL);
    settings.SetLogSeverityLevel(ORT_LOGGING_LEVEL_FATAL);
    settings.SetGraphOptimizationLevel(options.optimise ? ORT_ENABLE_ALL : ORT_DISABLE_ALL);
    if (options.exact_int8) settings.AddConfigEntry(kOrtSessionOptionsAvx2PrecisionMode, "1");
    if (probe) probe_domain.Add(&probe_op);
    if (simulate) probe_domain.Add(&simulate_op);
    if (probe || simulate) settings.Add(probe_domain);
  }

  void read_ports() {
    const Ort::AllocatorWithDefaultOptions allocator;
    for (std::size_t i = 0; i < session.GetInputCount(); ++i) {
      inputs.push_back(
          port_of(session.GetInputNameAllocated(i, allocator).get(), session.GetInputTypeInfo(i), false));
    }
    for (std::size_t i = 0; i < session.GetOverridableInitializerCount(); ++i) {
      inputs.push_back(port_of(session.GetOverridableInitializerNameAllocated(i, allocator).get(),
                               session.GetOverridableInitializerTypeInfo(i), true));
    }
    for (std::size_t i = 0; i < session.GetOutputCount(); ++i) {
      outputs.push_back(
          port_of(session.GetOutputNameAllocated(i, allocator).get(), session.GetOutputTypeInfo(i), false));
      output_names.push_back(outputs.back().name);
    }
  }

  std::string name;
  ProbeCallback probe;
  SimulateCallback simulate;
  ProbeOp probe_op;
  SimulateOp simulate_op;
  Ort::CustomOpDomain probe_domain{kProbeDomain};
  Ort::SessionOptions settings;
  Ort::Session session{nullptr};
  Ort::MemoryInfo memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  std::vector<Port> inputs, outputs;
  std::vector<std::string> output_names;
};

namespace {

/// A feed as ONNX Runtime takes it: a view, or a copy where the payload is not aligned.
class Fed {
 public:
  Fed(const Tensor& tensor, const Ort::MemoryInfo& memory) {
    const std::byte* data = tensor.bytes().data();
    const std::size_t size = tensor.bytes().size();
    if (size == 0 || reinterpret_cast<std::uintptr_t>(data) % kAlignment != 0) {
      copy_.resize(size + kAlignment);
      void* place = copy_.data();
      std::size_t room = copy_.size();
      std::align(kAlignment, size, place, room);
      if (size > 0) __builtin_memcpy(place, data, size);
      data = static_cast<const std::byte*>(place);
    }
    // ONNX Runtime never writes to a feed; its interface has no const.
    value_ = Ort::Value::CreateTensor(memory, const_cast<std::byte*>(data), size, tensor.dims().data(),
                                      tensor.dims().size(),
                                      static_cast<ONNXTensorElementDataType>(tensor.dtype()));
  }
  Ort::Value take() { return std::move(value_); }

 private:
  std::vector<std::byte> copy_;
  Ort::Value value_{nullptr};
};

}  // namespace

Session::Session(const SerialisedModel& model, const SessionOptions& options) {
  const Library& library = Library::get(options.library);
  try {
    loaded_ = std::make_shared<Loaded>(options);
    loaded_->name = model.name;
    if (!model.data_folder.empty()) {
      loaded_->settings.AddConfigEntry(kOrtSessionOptionsModelExternalInitializersFileFolderPath,
                                       model.data_folder.c_str());
    }
    loaded_->session = Ort::Session(library.env(), model.bytes.data(), model.bytes.size(), loaded_->settings);
    loaded_->read_ports();
  } catch (const Ort::Exception& error) {
    refuse(model.name, "does not load this model", error.what());
  }
}

Session::Session(const std::string& path, const SessionOptions& options)
    : Session({path, MappedFile::open(path)->bytes(), std::filesystem::absolute(path).parent_path().string()},
              options) {}

const std::vector<Port>& Session::inputs() const { return loaded_->inputs; }
const std::vector<Port>& Session::outputs() const { return loaded_->outputs; }

std::vector<Tensor> Session::run(const Feeds& feeds, std::span<const std::string> names) const {
  if (names.empty()) names = loaded_->output_names;
  std::vector<const char*> feed_names, fetch_names;
  std::vector<Fed> fed;
  std::vector<Ort::Value> values;
  for (const std::string& name : names) fetch_names.push_back(name.c_str());
  try {
    for (const auto& [name, tensor] : feeds) {
      if (bit_width(tensor.dtype()) == 0) {
        refuse(loaded_->name, "is fed only tensors of numbers here",
               fmt::format("input '{}' would be {}", name, to_text(tensor.dtype())));
      }
      feed_names.push_back(name.c_str());
      fed.emplace_back(tensor, loaded_->memory);
      values.push_back(fed.back().take());
    }
    std::vector<Ort::Value> fetched =
        loaded_->session.Run(Ort::RunOptions{nullptr}, feed_names.data(), values.data(), values.size(),
                             fetch_names.data(), fetch_names.size());
    std::vector<Tensor> outputs;
    for (std::size_t i = 0; i < fetched.size(); ++i) {
      if (!is_plain_tensor(fetched[i])) {
        refuse(loaded_->name, "gives qprep only tensors of numbers",
               fmt::format("output '{}' is {}", names[i], kind_of(fetched[i])));
      }
      outputs.push_back(to_tensor(std::move(fetched[i]), loaded_));
    }
    return outputs;
  } catch (const Ort::Exception& error) {
    refuse(loaded_->name, "does not run this model", error.what());
  }
}

}  // namespace qprep
