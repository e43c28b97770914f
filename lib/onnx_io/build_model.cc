#include "onnx_io/build_model.h"

#include "onnx_io/build_graph.h"
#include "onnx_io/opset_imports.h"
#include "onnx_io/protobuf_copy.h"

namespace qprep {
namespace {

/// A key that the file has already gets the new value: ONNX allows each once.
void add_metadata(const Model& model, onnx::ModelProto& proto) {
  for (const auto& [key, value] : model.added_metadata) {
    onnx::StringStringEntryProto* entry = nullptr;
    for (onnx::StringStringEntryProto& known : *proto.mutable_metadata_props()) {
      if (known.key() == key) entry = &known;
    }
    if (!entry) entry = proto.add_metadata_props();
    entry->set_key(key);
    entry->set_value(value);
  }
}

}  // namespace

std::unique_ptr<BuiltModel> build_model(const OnnxFile& file) {
  using P = onnx::ModelProto;
  auto built = std::make_unique<BuiltModel>();
  built->model = google::protobuf::Arena::CreateMessage<P>(&built->arena);
  P& proto = *built->model;
  const P* record = file.record ? file.record->parsed->model : nullptr;
  if (record) {
    built->payloads.assign(file.record->parsed->payloads.begin(), file.record->parsed->payloads.end());
    copy_fields(*record, proto, {P::kGraphFieldNumber, P::kFunctionsFieldNumber, P::kOpsetImportFieldNumber});
  } else {
    proto.set_producer_name("qprep");
  }
  if (proto.ir_version() != file.model.ir_version) proto.set_ir_version(file.model.ir_version);
  build_opset_imports(file.model.opsets, record ? &record->opset_import() : nullptr,
                      *proto.mutable_opset_import());
  add_metadata(file.model, proto);

  GraphBuilder builder(file.model, file.record.get(), built->payloads);
  builder.build(*file.model.graph, *proto.mutable_graph());
  for (const Function& function : file.model.functions) builder.build(function, *proto.add_functions());
  return built;
}

}  // namespace qprep
