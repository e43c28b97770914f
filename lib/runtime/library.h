#pragma once

#include <string>

struct OrtApi;
namespace Ort {
struct Env;
}

namespace qprep {

/// ONNX Runtime, opened when first needed and never linked, so that whatever needs no inference runs without
/// it.
///
/// Looked for, in this order:
///   1. `path`, if given                       (a file, or a folder that holds it; nothing else is tried)
///   2. the environment variable QPREP_ONNXRUNTIME, if set                              (likewise)
///   3. beside the program: its folder, ../lib/qprep, ../lib
///   4. the system: libonnxruntime.so.1, then libonnxruntime.so, as the dynamic linker finds them
/// Programs in a build tree carry the run path of the library that scripts/setup brought: that is step 4.
class Library {
 public:
  /// The process's one library: the first successful call opens it, and it stays open. A later call with
  /// another path gets the one that is open. Throws Fatal(kRuntimeMissing) with everything that was tried,
  /// and Fatal(kRuntimeUnusable) for a library that is not ONNX Runtime or one older than the interface that
  /// qprep uses.
  static const Library& get(const std::string& path = {});

  const OrtApi& api() const { return *api_; }
  const Ort::Env& env() const { return *env_; }
  /// "1.31.1"
  const std::string& version() const { return version_; }
  /// The file that was opened.
  const std::string& path() const { return path_; }

 private:
  Library() = default;
  static const Library* open(const std::string& path);

  const OrtApi* api_ = nullptr;
  const Ort::Env* env_ = nullptr;
  std::string version_;
  std::string path_;
};

}  // namespace qprep
