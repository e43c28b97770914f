#pragma once

#include <google/protobuf/arena.h>
#include <memory>
#include <vector>

#include "onnx_io/file_record.h"
#include "onnx_io/onnx_file.h"

namespace qprep {

/// A model's message as it will be written, with placeholders for payloads, and the payloads.
struct BuiltModel {
  google::protobuf::Arena arena{large_arena()};
  onnx::ModelProto* model = nullptr;  // in the arena
  std::vector<Payload> payloads;
};

/// Result: the message of the model. Everything that the IR does not change is as the file's record has it;
/// see docs/reading_and_writing.md for what a changed model keeps of its record. The IR and the record must
/// outlive it.
std::unique_ptr<BuiltModel> build_model(const OnnxFile& file);

}  // namespace qprep
