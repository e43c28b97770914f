#include "runtime/library.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "support/codes.h"
#include "support/diagnostics.h"
#include "temporary_folder.h"

using namespace qprep;

namespace {

LibraryPlaces option(std::string path) { return {std::move(path), {}, {}, {}}; }

Diagnostic refusal(const LibraryPlaces& places) {
  try {
    Library::open(places);
  } catch (const Fatal& fatal) {
    return fatal.diagnostics().at(0);
  }
  return {Severity::kNote, "none", "opened", {}};
}

}  // namespace

TEST_CASE("a named library that is missing or unusable is refused, and no other is taken") {
  const TemporaryFolder folder;
  const std::string name = "the option --onnxruntime";

  Diagnostic found = refusal(option(folder.str() + "/none.so"));
  CHECK(found.code == codes::kRuntimeMissing);
  CHECK(found.message == name + " names a file that does not exist");

  found = refusal(option(folder.str()));
  CHECK(found.code == codes::kRuntimeMissing);
  CHECK(found.message == name + " names a folder without a libonnxruntime.so");

  found = refusal(option(folder.write("text.so", "this is text")));
  CHECK(found.code == codes::kRuntimeUnusable);
  CHECK_THAT(found.message, Catch::StartsWith(name + " names no library that loads: "));
  CHECK(found.where.file == folder.str() + "/text.so");
}

TEST_CASE("a library that is not ONNX Runtime, or too old a one, is refused") {
  Diagnostic found = refusal(option(QPREP_OTHER_LIBRARY));
  CHECK(found.code == codes::kRuntimeUnusable);
  CHECK(found.message == "this library is not ONNX Runtime: it has no function OrtGetApiBase");

  found = refusal(option(QPREP_OLD_LIBRARY));
  CHECK(found.code == codes::kRuntimeUnusable);
  CHECK(found.message == "this is ONNX Runtime 1.2.0, and qprep needs 1.21 or newer");
}

TEST_CASE("the environment variable names the library; the option comes before it") {
  CHECK(refusal({{}, QPREP_OLD_LIBRARY, {}, {}}).message ==
        "this is ONNX Runtime 1.2.0, and qprep needs 1.21 or newer");
  CHECK_THAT(refusal({QPREP_OTHER_LIBRARY, QPREP_OLD_LIBRARY, {}, {}}).message,
             Catch::StartsWith("this library is not ONNX Runtime"));
  CHECK(refusal({{}, "/nowhere/libonnxruntime.so", {}, {}}).message ==
        "the environment variable QPREP_ONNXRUNTIME names a file that does not exist");
}

TEST_CASE(
    "a folder beside the program comes before the system; a file there that does not load is passed over") {
  const TemporaryFolder wrong, right;
  const std::string broken = wrong.write("libonnxruntime.so.1", "no library");
  std::filesystem::create_symlink(QPREP_OLD_LIBRARY, right.path() / "libonnxruntime.so.1.2.0");
  const Diagnostic found = refusal({{}, {}, {wrong.str(), right.str()}, {"libm.so.6"}});
  CHECK(found.message == "this is ONNX Runtime 1.2.0, and qprep needs 1.21 or newer");
  CHECK_THAT(refusal({{}, {}, {wrong.str()}, {}}).message, Catch::Contains(broken));
}

TEST_CASE("where it is nowhere, the message says where it was looked for and what to do") {
  const Diagnostic found = refusal({{}, {}, {"/opt/q/bin", "/opt/q/lib"}, {"libonnxruntime-none.so"}});
  CHECK(found.code == codes::kRuntimeMissing);
  CHECK(
      found.message ==
      "this needs ONNX Runtime, and libonnxruntime.so is neither beside the program (/opt/q/bin, /opt/q/lib) "
      "nor among "
      "the system's libraries: put it there, or name its file in the environment variable QPREP_ONNXRUNTIME");
}

TEST_CASE("the library of the build tree is found, once") {
  const Library& library = Library::get();
  CHECK_THAT(library.version(), Catch::StartsWith("1."));
  CHECK_THAT(library.path(), Catch::Contains("libonnxruntime.so"));
  CHECK(&Library::get("/nowhere") == &library);

  const LibraryPlaces places = LibraryPlaces::of_process("");
  CHECK(places.folders.size() == 3);
  CHECK(places.names == std::vector<std::string>{"libonnxruntime.so.1", "libonnxruntime.so"});
}
