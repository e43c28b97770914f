#include "driver/copy.h"

namespace qprep {

Written copy_model(const std::filesystem::path& from, const std::filesystem::path& to,
                   const WriteOptions& options, Diagnostics& diagnostics) {
  return write_onnx(read_onnx(from, diagnostics), to, options);
}

}  // namespace qprep
