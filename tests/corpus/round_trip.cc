/// round_trip FOLDER [COPIES]: reads every .onnx file under FOLDER, verifies the IR, infers shapes, writes
/// the model and reads it again, and compares each field of what protobuf reads from both files. Keeps the
/// copies under COPIES if that is given. Prints what fails and a count; exit status 1 if any failed.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <vector>

#include "ir/dump.h"
#include "ir/verify.h"
#include "onnx_io/infer_shapes.h"
#include "onnx_io/onnx_file.h"
#include "support/diagnostics.h"
#include "support/onnx_compare.h"

namespace fs = std::filesystem;
using namespace qprep;

namespace {

std::string check(const fs::path& model, const fs::path& copy) {
  Diagnostics diagnostics;
  OnnxFile file = read_onnx(model, diagnostics);
  for (const Diagnostic& diagnostic : diagnostics.all()) fmt::print("{}\n", to_text(diagnostic));
  for (const std::string& problem : verify(file.model)) return "verify: " + problem;
  write_onnx(file, copy);
  const onnx::ModelProto original = test::resolved_model(model);
  if (const std::string found = test::difference(original, test::resolved_model(copy)); !found.empty()) {
    return "the copy differs: " + found;
  }
  onnx::ModelProto inlined = test::plain_model(serialize_onnx(file));
  if (const std::string found = test::difference(original, inlined); !found.empty()) {
    return "the copy in memory differs: " + found;
  }
  Diagnostics second;
  const OnnxFile again = read_onnx(copy, second);
  const std::string dumped = dump(file.model);
  if (dump(again.model) != dumped) return "the copy reads as another model";

  infer_shapes(file, diagnostics);
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    if (diagnostic.code == "shape-inference") fmt::print("{}\n", to_text(diagnostic));
  }
  for (const std::string& problem : verify(file.model)) return "verify after inference: " + problem;
  const std::string after = test::difference(original, test::plain_model(serialize_onnx(file)));
  return after.empty() ? "" : "inference changed the file: " + after;
}

}  // namespace

int main(int argc, char** argv) {
  const fs::path folder = argv[1];
  std::vector<fs::path> models;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".onnx" && fs::is_regular_file(entry.path()))
      models.push_back(entry.path());
  }
  std::sort(models.begin(), models.end());
  const fs::path copies = argc > 2 ? fs::path(argv[2]) : folder / ".copies";
  std::size_t failed = 0;
  for (const fs::path& model : models) {
    const fs::path copy = copies / model.lexically_relative(folder);
    fs::create_directories(copy.parent_path());
    std::string problem;
    try {
      problem = check(model, copy);
    } catch (const std::exception& failure) {
      problem = failure.what();
    }
    if (!problem.empty()) {
      ++failed;
      fmt::print("FAILED {}: {}\n", model.string(), problem);
    }
  }
  if (argc <= 2) fs::remove_all(copies);
  fmt::print("{} models, {} failed\n", models.size(), failed);
  return failed == 0 && !models.empty() ? 0 : 1;
}
