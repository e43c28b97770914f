#pragma once

#include <filesystem>
#include <google/protobuf/util/message_differencer.h>
#include <optional>
#include <string>

#include "onnx_io/parsed_model.h"
#include "support/temporary_folder.h"

/// Compares ONNX files by what protobuf itself reads from them: every field, unknown ones too. Shares nothing
/// with the reader but the search for external data.
namespace qprep::test {

/// Given: the bytes are a model.
inline onnx::ModelProto plain_model(const std::string& bytes) {
  onnx::ModelProto model;
  if (!model.ParseFromString(bytes)) throw std::runtime_error("protobuf does not read the model");
  return model;
}

/// The model with all data inside, wherever the file has them.
inline onnx::ModelProto resolved_model(const std::filesystem::path& path) {
  onnx::ModelProto model = plain_model(bytes_of(path));
  for_each_tensor(model, [&](onnx::TensorProto& tensor) {
    if (!is_external(tensor)) return;
    std::string location;
    std::size_t offset = 0;
    std::optional<std::size_t> length;
    for (const auto& entry : tensor.external_data()) {
      if (entry.key() == "location") location = entry.value();
      if (entry.key() == "offset") offset = std::stoull(entry.value());
      if (entry.key() == "length") length = std::stoull(entry.value());
    }
    const std::string data = bytes_of(path.parent_path() / location);
    tensor.set_raw_data(data.substr(offset, length.value_or(std::string::npos)));
    tensor.clear_external_data();
    tensor.clear_data_location();
  });
  return model;
}

/// What differs, or nothing.
inline std::string difference(const onnx::ModelProto& a, const onnx::ModelProto& b) {
  if (a.SerializeAsString() == b.SerializeAsString()) return {};
  std::string report;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&report);
  if (differencer.Compare(a, b)) return "the same fields in another order";
  return report.substr(0, 2000);
}

}  // namespace qprep::test
