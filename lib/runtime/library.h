#pragma once

#include <memory>
#include <string>
#include <vector>

namespace Ort {
struct Env;
}

namespace qprep {

/// Where ONNX Runtime may be.
struct LibraryPlaces {
  std::string option;                // a file, or a folder that holds it; if given, nothing else is tried
  std::string variable;              // likewise, unless there is an option: QPREP_ONNXRUNTIME's value
  std::vector<std::string> folders;  // then these: the program's, and ../lib/qprep and ../lib from there
  std::vector<std::string> names;    // then these, as the dynamic linker finds them

  /// The places for this process. Programs in a build tree carry the run path of the library that
  /// scripts/setup brought, so that the dynamic linker finds it for them.
  static LibraryPlaces of_process(std::string option);
};

/// ONNX Runtime, opened when first needed and never linked, so that whatever needs no inference runs without
/// it.
class Library {
 public:
  /// The process's one library: the first successful call opens it, and it stays open. A later call with
  /// another option gets the one that is open.
  static const Library& get(const std::string& option = {});

  /// Throws Fatal(kRuntimeMissing) with all places that were tried, and Fatal(kRuntimeUnusable) for a library
  /// that is not ONNX Runtime, or one older than the interface that qprep uses.
  static std::unique_ptr<const Library> open(const LibraryPlaces& places);

  const Ort::Env& env() const { return *env_; }
  /// "1.31.1"
  const std::string& version() const { return version_; }
  /// The file that was opened.
  const std::string& path() const { return path_; }

 private:
  Library() = default;

  const Ort::Env* env_ = nullptr;  // never freed: ONNX Runtime's threads may outlive static objects
  std::string version_;
  std::string path_;
};

}  // namespace qprep
