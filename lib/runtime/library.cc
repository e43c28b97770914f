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

Opened open_anywhere(const LibraryPlaces& places) {
  std::vector<std::string> tried;
  for (const std::string& folder : places.folders) {
    const std::optional<fs::path> file = library_in(folder);
    if (!file) {
      tried.push_back(folder);
      continue;
    }
    Opened opened = open_file(file->string());
    if (opened.handle) return opened;
    tried.push_back(opened.error);
  }
  for (const std::string& name : places.names) {
    Opened opened = open_file(name);
    if (opened.handle) return opened;
  }
  throw Fatal(
      codes::kRuntimeMissing,
      fmt::format("this needs ONNX Runtime, and {} is neither beside the program ({}) nor among the system's "
                  "libraries: put it there, or name its file in the environment variable {}",
                  kFileName, fmt::join(tried, ", "), kVariable));
}

Opened find_library(const LibraryPlaces& places) {
  if (!places.option.empty()) return open_named(places.option, "the option --onnxruntime");
  if (!places.variable.empty()) {
    return open_named(places.variable, fmt::format("the environment variable {}", kVariable));
  }
  return open_anywhere(places);
}

void ORT_API_CALL ignore_log(void*, OrtLoggingLevel, const char*, const char*, const char*, const char*) {}

}  // namespace

LibraryPlaces LibraryPlaces::of_process(std::string option) {
  LibraryPlaces places;
  places.option = std::move(option);
  if (const char* variable = std::getenv(kVariable)) places.variable = variable;
  std::error_code failed;
  const fs::path folder = fs::read_symlink("/proc/self/exe", failed).parent_path();
  if (!failed) {
    for (const fs::path& place :
         {folder, folder.parent_path() / "lib" / "qprep", folder.parent_path() / "lib"}) {
      places.folders.push_back(place.string());
    }
  }
  places.names = {std::string(kFileName) + ".1", kFileName};
  return places;
}

const Library& Library::get(const std::string& option) {
  static std::mutex mutex;
  static const Library* library = nullptr;  // never freed, as env_
  const std::lock_guard<std::mutex> lock(mutex);
  if (!library) library = open(LibraryPlaces::of_process(option)).release();
  return *library;
}

std::unique_ptr<const Library> Library::open(const LibraryPlaces& places) {
  const Opened opened = find_library(places);
  auto library = std::unique_ptr<Library>(new Library);
  library->path_ = opened.path;
  void* symbol = dlsym(opened.handle, "OrtGetApiBase");
  if (!symbol) {
    dlclose(opened.handle);
    throw Fatal(codes::kRuntimeUnusable, "this library is not ONNX Runtime: it has no function OrtGetApiBase",
                {opened.path, 0, 0});
  }

  const OrtApiBase* base = reinterpret_cast<const OrtApiBase* (*)()>(symbol)();
  library->version_ = base->GetVersionString();
  const OrtApi* api = base->GetApi(ORT_API_VERSION);
  if (!api) {
    dlclose(opened.handle);
    throw Fatal(codes::kRuntimeUnusable,
                fmt::format("this is ONNX Runtime {}, and qprep needs 1.{} or newer", library->version_,
                            ORT_API_VERSION),
                {opened.path, 0, 0});
  }

  Ort::InitApi(api);
  try {
    library->env_ = new Ort::Env(ORT_LOGGING_LEVEL_FATAL, "qprep", ignore_log, nullptr);
  } catch (const Ort::Exception& error) {
    throw Fatal(codes::kRuntimeUnusable, fmt::format("ONNX Runtime does not start: {}", error.what()),
                {opened.path, 0, 0});
  }
  return library;
}

}  // namespace qprep
