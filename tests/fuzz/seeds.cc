/// fuzz_seeds FOLDER: writes the models that fuzzing starts from.
#include <filesystem>
#include <fmt/format.h>

#include "support/sample_models.h"
#include "support/temporary_folder.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  int i = 0;
  for (const onnx::ModelProto& model : qprep::test::sample_models()) {
    qprep::test::write_text(folder / fmt::format("sample-{}.onnx", i++), model.SerializeAsString());
  }
  return 0;
}
