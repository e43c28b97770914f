#include "runtime/library.h"

#include <algorithm>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <link.h>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "runtime/ort.h"
#include "support/codes.h"
#include "support/diagnostics.h"

namespace qprep {
namespace {

namespace fs = std::filesystem;

constexpr const char* kVariable = "QPREP_ONNXRUNTIME";
constexpr const char* kFileName = "libonnxruntime.so";

struct Opened {
  void* handle = nullptr;
  std::string path;
  std::string error;  // why there is no handle
};

Opened open_file(const std::string& name) {
  void* handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char* reason = dlerror();
    return {nullptr, name, reason ? reason : "dlopen failed"};
  }
  const link_map* mapped = nullptr;
  const bool known =
      dlinfo(handle, RTLD_DI_LINKMAP, &mapped) == 0 && mapped && mapped->l_name && *mapped->l_name;
  return {handle, known ? mapped->l_name : name, {}};
}

/// The library's file in a folder: the bare name, the name of its interface version, else the newest of the
/// rest.
std::optional<fs::path> library_in(const fs::path& folder) {
  std::error_code ignored;
  for (const char* suffix : {".1", ""}) {
    const fs::path file = folder / (std::string(kFileName) + suffix);
    if (fs::exists(file, ignored)) return file;
  }
  std::vector<fs::path> found;
  for (fs::directory_iterator at(folder, ignored), end; !ignored && at != end; at.increment(ignored)) {
    if (at->path().filename().string().rfind(kFileName, 0) == 0) found.push_back(at->path());
  }
  if (found.empty()) return std::nullopt;
  return *std::max_element(found.begin(), found.end());
}

std::vector<fs::path> folders_beside_program() {
  std::error_code failed;
  const fs::path program = fs::read_symlink("/proc/self/exe", failed);
  if (failed) return {};
  const fs::path folder = program.parent_path();
  return {folder, folder.parent_path() / "lib" / "qprep", folder.parent_path() / "lib"};
}

/// The file or folder that the user named, and nothing else. `who` says where the name comes from.
Opened open_named(const std::string& path, const std::string& who) {
  std::error_code ignored;
  fs::path file = path;
  if (fs::is_directory(file, ignored)) {
    const std::optional<fs::path> inside = library_in(file);
    if (!inside) {
      throw Fatal(codes::kRuntimeMissing, fmt::format("{} names a folder without a {}", who, kFileName),
                  {path});
    }
    file = *inside;
  }
  if (!fs::exists(file, ignored)) {
    throw Fatal(codes::kRuntimeMissing, fmt::format("{} names a file that does not exist", who), {path});
  }
  // dlopen takes a name without a slash for a library of the system.
  Opened opened = open_file(fs::absolute(file).string());
  if (!opened.handle) {
    throw Fatal(codes::kRuntimeUnusable, fmt::format("{} names no library that loads: {}", who, opened.error),
                {path});
  }
  return opened;
}

Opened open_anywhere() {
  std::vector<std::string> tried;
  for (const fs::path& folder : folders_beside_program()) {
    const std::optional<fs::path> file = library_in(folder);
    if (!file) {
      tried.push_back(folder.string());
      continue;
    }
    Opened opened = open_file(file->string());
    if (opened.handle) return opened;
    tried.push_back(opened.error);
  }
  for (const char* suffix : {".1", ""}) {
    Opened opened = open_file(std::string(kFileName) + suffix);
    if (opened.handle) return opened;
  }
  throw Fatal(
      codes::kRuntimeMissing,
      fmt::format(
          "this needs ONNX Runtime, and {0} is neither beside the program ({1}) nor among the system's "
          "libraries: put it there, or name its file in the environment variable {2}",
          kFileName, fmt::join(tried, ", "), kVariable));
}

Opened find_library(const std::string& path) {
  if (!path.empty()) return open_named(path, "the option for ONNX Runtime");
  const char* variable = std::getenv(kVariable);
  if (variable && *variable)
    return open_named(variable, fmt::format("the environment variable {}", kVariable));
  return open_anywhere();
}

void ORT_API_CALL ignore_log(void*, OrtLoggingLevel, const char*, const char*, const char*, const char*) {}

}  // namespace

const Library& Library::get(const std::string& path) {
  static std::mutex mutex;
  // Never freed: ONNX Runtime's threads and allocators may outlive static objects.
  static const Library* library = nullptr;
  const std::lock_guard<std::mutex> lock(mutex);
  if (!library) library = open(path);
  return *library;
}

const Library* Library::open(const std::string& path) {
  const Opened opened = find_library(path);
  auto library = std::unique_ptr<Library>(new Library);
  library->path_ = opened.path;
  void* symbol = dlsym(opened.handle, "OrtGetApiBase");
  if (!symbol) {
    dlclose(opened.handle);
    throw Fatal(codes::kRuntimeUnusable, "this library is not ONNX Runtime: it has no function OrtGetApiBase",
                {opened.path});
  }

  const OrtApiBase* base = reinterpret_cast<const OrtApiBase* (*)()>(symbol)();
  library->version_ = base->GetVersionString();
  library->api_ = base->GetApi(ORT_API_VERSION);
  if (!library->api_) {
    dlclose(opened.handle);
    throw Fatal(codes::kRuntimeUnusable,
                fmt::format("this is ONNX Runtime {}, and qprep needs 1.{} or newer", library->version_,
                            ORT_API_VERSION),
                {opened.path});
  }

  Ort::InitApi(library->api_);
  try {
    library->env_ = new Ort::Env(ORT_LOGGING_LEVEL_FATAL, "qprep", ignore_log, nullptr);
  } catch (const Ort::Exception& error) {
    throw Fatal(codes::kRuntimeUnusable, fmt::format("ONNX Runtime does not start: {}", error.what()),
                {opened.path});
  }
  return library.release();
}

}  // namespace qprep
