#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "support/diagnostics.h"

/// ONNX files to the IR and back, losslessly. See docs/design.md, 'Reading and writing'.
namespace qprep {

/// What the file says besides the IR: its parsed skeleton and where its payloads are. Keeps the mapped files
/// alive.
class FileRecord;

/// A model and the record of the file it came from; the record is null for a model that was built in memory.
struct OnnxFile {
  Model model;
  std::shared_ptr<const FileRecord> record;
};

/// Result: the model in the file; payloads are views into the mapped file, or into the external data files
/// that it names in its own folder. Node labels are unique; unsorted nodes are sorted, with a note.
/// Fatal: file-access, corrupt-model (bytes that are no model; names that do not resolve), external-data.
OnnxFile read_onnx(const std::filesystem::path& file, Diagnostics& diagnostics);

/// As read_onnx, for bytes that `owner` keeps alive. `name` is what messages call the model; external data
/// are looked for in its folder.
OnnxFile parse_onnx(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, std::string name,
                    Diagnostics& diagnostics);

/// The size of the files that the model was read from, its external data included; 0 for one built in memory.
std::uint64_t size_as_read(const OnnxFile& file);

/// The bytes of the files that the model was read from, the model first, then its external data in the order
/// of use; empty for one built in memory.
std::vector<std::span<const std::byte>> bytes_as_read(const OnnxFile& file);

struct WriteOptions {
  bool durable = false;                // return when the disk has it
  bool allow_overwrite_input = false;  // the target may be the file that the model was read from
};

struct Written {
  std::uint64_t bytes = 0;
  std::vector<std::filesystem::path> files;  // the model, then its external data if it has any
};

/// Result: the target is the model, whole; on failure (Fatal: file-access, overwrites-input, model-too-large)
/// it is what it was. Payloads that were external stay so, in one file `<target's name>.data` beside the
/// target; so do large ones of a model that would pass protobuf's limit of 2 GB. Same model, same bytes. What
/// a changed model keeps of its file, and what a crash leaves: docs/reading_and_writing.md.
Written write_onnx(const OnnxFile& file, const std::filesystem::path& target,
                   const WriteOptions& options = {});

/// The model's bytes with every payload inside. Fatal (model-too-large) if they would pass 2 GB.
std::string serialize_onnx(const OnnxFile& file);

}  // namespace qprep
