#include "onnx_io/onnx_file.h"

#include "onnx_io/external_data.h"
#include "onnx_io/file_record.h"
#include "onnx_io/read_graph.h"

namespace qprep {
namespace {

OnnxFile read(std::shared_ptr<ParsedModel> parsed, const std::string& name, Diagnostics& diagnostics) {
  map_external_data(*parsed, std::filesystem::path(name).parent_path(), name);
  auto record = std::make_shared<FileRecord>();
  record->parsed = std::move(parsed);
  OnnxFile file;
  file.model = read_model(*record, name, diagnostics);
  file.record = std::move(record);
  return file;
}

}  // namespace

OnnxFile read_onnx(const std::filesystem::path& path, Diagnostics& diagnostics) {
  const std::shared_ptr<const MappedFile> file = MappedFile::open(path);
  std::shared_ptr<ParsedModel> parsed = parse_model(file->bytes(), file, path.string());
  parsed->files.push_back(file);
  return read(std::move(parsed), path.string(), diagnostics);
}

OnnxFile parse_onnx(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, std::string name,
                    Diagnostics& diagnostics) {
  return read(parse_model(bytes, std::move(owner), name), name, diagnostics);
}

std::vector<std::span<const std::byte>> bytes_as_read(const OnnxFile& file) {
  std::vector<std::span<const std::byte>> all;
  if (!file.record) return all;
  for (const auto& mapped : file.record->parsed->files) all.push_back(mapped->bytes());
  return all;
}

std::uint64_t size_as_read(const OnnxFile& file) {
  std::uint64_t size = 0;
  for (const std::span<const std::byte> bytes : bytes_as_read(file)) size += bytes.size();
  return size;
}

}  // namespace qprep
