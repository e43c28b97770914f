#include "onnx_io/opset_imports.h"

namespace qprep {
namespace {

std::string key_of(const onnx::OperatorSetIdProto& import) {
  return import.domain() == "ai.onnx" ? std::string() : import.domain();
}

}  // namespace

Opsets read_opset_imports(const OpsetImports& imports) {
  if (imports.empty()) return {{"", 1}};
  Opsets opsets;
  for (const onnx::OperatorSetIdProto& import : imports) opsets[key_of(import)] = import.version();
  return opsets;
}

void build_opset_imports(const Opsets& opsets, const OpsetImports* record, OpsetImports& imports) {
  const Opsets as_read = record ? read_opset_imports(*record) : Opsets();
  if (record && opsets == as_read) {
    imports = *record;
    return;
  }
  Opsets missing = opsets;
  if (record) {
    for (const onnx::OperatorSetIdProto& import : *record) {
      const auto now = opsets.find(key_of(import));
      if (now == opsets.end()) continue;
      onnx::OperatorSetIdProto& copy = *imports.Add();
      copy = import;
      if (now->second != as_read.at(now->first)) copy.set_version(now->second);
      missing.erase(now->first);
    }
  }
  for (const auto& [domain, version] : missing) {
    onnx::OperatorSetIdProto& import = *imports.Add();
    import.set_domain(domain);
    import.set_version(version);
  }
}

}  // namespace qprep
