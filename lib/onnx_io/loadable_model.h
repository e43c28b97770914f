#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "onnx_io/onnx_file.h"

namespace qprep {

/// A model as a runtime loads it from memory: its bytes and, where protobuf could not hold these (2 GB), the
/// folder in which its large payloads lie as external data. That is a temporary one, gone with this object
/// and when a signal ends the process; the system's place for temporary files (TMPDIR) must have room for it.
class LoadableModel {
 public:
  /// Fatal (file-access): the folder cannot be written.
  explicit LoadableModel(const OnnxFile& file);
  ~LoadableModel();
  LoadableModel(const LoadableModel&) = delete;
  LoadableModel& operator=(const LoadableModel&) = delete;

  std::span<const std::byte> bytes() const { return std::as_bytes(std::span(bytes_)); }
  /// Empty: all is in the bytes.
  std::string data_folder() const;

 private:
  class Folder;
  std::string bytes_;
  std::unique_ptr<Folder> folder_;
};

}  // namespace qprep
