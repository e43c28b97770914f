#pragma once

#include <onnx/checker.h>
#include <onnx/onnx_pb.h>
#include <span>
#include <string>
#include <vector>

#include "onnx_io/onnx_file.h"
#include "runtime/session.h"

/// For tests: a model in memory goes through ONNX's checker and ONNX Runtime.
namespace qprep {

/// The file that the model would be.
inline std::string bytes_of(Model model) {
  const OnnxFile file{std::move(model), nullptr};
  return serialize_onnx(file);
}

/// What the full checker objects to; empty = nothing.
inline std::string checker_says(const std::string& bytes) {
  onnx::ModelProto proto;
  if (!proto.ParseFromString(bytes)) return "no model";
  try {
    onnx::checker::check_model(proto, true);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

inline Session session_of(const std::string& bytes, bool optimise) {
  SessionOptions options;
  options.optimise = optimise;
  options.exact_int8 = true;
  return Session(SerialisedModel{"test", std::as_bytes(std::span(bytes)), ""}, options);
}

inline std::vector<Tensor> run_model(const std::string& bytes, const Feeds& feeds, bool optimise) {
  return session_of(bytes, optimise).run(feeds);
}

}  // namespace qprep
