#include "onnx_io/loadable_model.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "support/codes.h"
#include "support/diagnostics.h"
#include "support/temporary_names.h"
#include "support/text.h"

namespace qprep {
namespace {

namespace fs = std::filesystem;

bool is_too_large(const Fatal& failure) {
  return std::ranges::any_of(failure.diagnostics(),
                             [](const Diagnostic& each) { return each.code == codes::kModelTooLarge; });
}

std::string made_folder() {
  std::string name = (fs::temp_directory_path() / "qprep-model-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr)
    throw Fatal(codes::kFileAccess,
                "no folder for a model that is too large for memory: " + error_text(errno), {name});
  return name;
}

}  // namespace

class LoadableModel::Folder {
 public:
  Folder() : path_(made_folder()), number_(remember_folder(path_)) {}
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    for (const std::size_t file : files_) forget_temporary(file);
    std::error_code ignored;
    fs::remove_all(path_, ignored);
    if (number_ > 0) forget_folder(number_);
  }

  const std::string& path() const { return path_; }

  /// Result: the bytes of the model without its external data.
  std::string write(const OnnxFile& file) {
    const Written written = write_onnx(file, fs::path(path_) / "model.onnx");
    for (const fs::path& each : written.files) files_.push_back(remember_temporary(each.string()));
    std::ifstream model(written.files.front(), std::ios::binary);
    return {std::istreambuf_iterator<char>(model), {}};
  }

 private:
  std::string path_;
  std::size_t number_;
  std::vector<std::size_t> files_;
};

LoadableModel::LoadableModel(const OnnxFile& file) {
  try {
    bytes_ = serialize_onnx(file);
  } catch (const Fatal& failure) {
    if (!is_too_large(failure)) throw;
    folder_ = std::make_unique<Folder>();
    bytes_ = folder_->write(file);
  }
}

LoadableModel::~LoadableModel() = default;

std::string LoadableModel::data_folder() const { return folder_ ? folder_->path() : ""; }

}  // namespace qprep
