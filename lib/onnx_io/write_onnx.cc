#include <algorithm>
#include <climits>
#include <fmt/format.h>
#include <optional>
#include <sys/stat.h>

#include "onnx_io/build_model.h"
#include "onnx_io/build_tensor.h"
#include "onnx_io/external_layout.h"
#include "onnx_io/onnx_file.h"
#include "support/atomic_file.h"
#include "support/codes.h"

namespace qprep {
namespace {

namespace fs = std::filesystem;

/// What protobuf reads at most.
constexpr std::uint64_t kLargestModel = INT_MAX;

[[noreturn]] void fail_too_large(std::uint64_t size, const std::string& name) {
  throw Fatal(
      codes::kModelTooLarge,
      fmt::format("the model takes {} bytes in one piece; protobuf reads {} at most", size, kLargestModel),
      {name});
}

Expansion expand(const BuiltModel& built, const std::string& name) {
  const std::size_t size = built.model->ByteSizeLong();
  if (size > kLargestModel) fail_too_large(size, name);
  std::string skeleton;
  skeleton.reserve(size);
  built.model->SerializeToString(&skeleton);
  std::vector<std::uint64_t> sizes;
  sizes.reserve(built.payloads.size());
  for (const Payload& payload : built.payloads) sizes.push_back(payload.size());
  return Expansion(std::move(skeleton), std::move(sizes));
}

/// Moves large payloads out until the rest is small enough: initializers, which every runtime reads from
/// there, before tensors in attributes.
Expansion expand_within_limit(BuiltModel& built, ExternalLayout& layout, const std::string& name) {
  Expansion expansion = expand(built, name);
  const auto move_large = [&](onnx::TensorProto& tensor) {
    if (!tensor.has_raw_data()) return;
    if (built.payloads[payload_index(tensor.raw_data())].size() < kSmallestExternal) return;
    layout.move_out(tensor, built);
  };
  if (expansion.size() > kLargestModel) {
    for (onnx::TensorProto& tensor : *built.model->mutable_graph()->mutable_initializer()) move_large(tensor);
    expansion = expand(built, name);
  }
  if (expansion.size() > kLargestModel) {
    for_each_tensor(*built.model, move_large);
    expansion = expand(built, name);
  }
  if (expansion.size() > kLargestModel) fail_too_large(expansion.size(), name);
  return expansion;
}

/// Appends payloads to files, from the file that they are mapped from where there is one.
class PayloadWriter {
 public:
  explicit PayloadWriter(const FileRecord* record) {
    if (!record) return;
    for (const auto& file : record->parsed->files) {
      if (!file->bytes().empty() && file->descriptor() >= 0) files_.push_back(file.get());
    }
    std::sort(files_.begin(), files_.end(),
              [](const MappedFile* a, const MappedFile* b) { return a->bytes().data() < b->bytes().data(); });
  }

  void write(const Payload& payload, AtomicFile& to) const {
    payload.for_each_piece([&](std::span<const std::byte> piece) { write_piece(piece, to); });
  }

 private:
  void write_piece(std::span<const std::byte> payload, AtomicFile& to) const {
    const MappedFile* file = file_of(payload);
    if (!file) return to.write(payload);
    const auto offset = static_cast<std::uint64_t>(payload.data() - file->bytes().data());
    to.write_from(file->descriptor(), offset, payload);
  }

  const MappedFile* file_of(std::span<const std::byte> payload) const {
    const auto after = std::upper_bound(
        files_.begin(), files_.end(), payload.data(),
        [](const std::byte* address, const MappedFile* file) { return address < file->bytes().data(); });
    if (after == files_.begin()) return nullptr;
    const MappedFile* file = *std::prev(after);
    const bool inside = payload.data() + payload.size() <= file->bytes().data() + file->bytes().size();
    return inside ? file : nullptr;
  }

  std::vector<const MappedFile*> files_;
};

std::optional<FileIdentity> identity_of(const fs::path& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return FileIdentity{status.st_dev, status.st_ino};
}

/// The files that the model is mapped from may be replaced only if that is allowed, and its data only
/// together with it.
void refuse_to_overwrite(const OnnxFile& file, const fs::path& target, const fs::path* data, bool allowed) {
  if (!file.record) return;
  const auto is_read_from = [&](const fs::path& path) {
    const std::optional<FileIdentity> identity = identity_of(path);
    const auto& files = file.record->parsed->files;
    return identity && std::any_of(files.begin(), files.end(),
                                   [&](const auto& mapped) { return mapped->identity() == *identity; });
  };
  const bool onto_itself = is_read_from(target);
  if (onto_itself && !allowed) {
    throw Fatal(
        codes::kOverwritesInput,
        fmt::format(
            "'{}' is what the model is read from: write elsewhere, or allow it with --overwrite-input",
            target.string()));
  }
  if (data && is_read_from(*data) && !(onto_itself && allowed)) {
    throw Fatal(codes::kOverwritesInput,
                fmt::format("'{}', where the data of '{}' would go, is what the model is read from",
                            data->string(), target.string()));
  }
}

void write_pieces(const ExternalLayout& layout, const PayloadWriter& payloads, AtomicFile& to) {
  for (const ExternalLayout::Piece& piece : layout.pieces()) {
    to.write_zeros(static_cast<std::size_t>(piece.offset - to.size()));
    payloads.write(piece.payload, to);
  }
}

}  // namespace

Written write_onnx(const OnnxFile& file, const fs::path& target, const WriteOptions& options) {
  const fs::path data_path = target.string() + ".data";
  const std::unique_ptr<BuiltModel> built = build_model(file);
  ExternalLayout layout(data_path.filename().string());
  for_each_tensor(*built->model, [&](onnx::TensorProto& tensor) {
    if (is_external(tensor)) layout.move_out(tensor, *built);
  });
  const Expansion expansion = expand_within_limit(*built, layout, target.string());
  const bool has_data = !layout.pieces().empty();
  refuse_to_overwrite(file, target, has_data ? &data_path : nullptr, options.allow_overwrite_input);

  const PayloadWriter payloads(file.record.get());
  AtomicFile model(target, options.durable);
  std::optional<AtomicFile> data;
  Written written;
  written.files.push_back(target);
  if (has_data) {
    data.emplace(data_path, options.durable);
    write_pieces(layout, payloads, *data);
    written.bytes += data->size();
    written.files.push_back(data_path);
  }
  expansion.write([&](std::string_view text) { model.write(text); },
                  [&](PayloadIndex index) { payloads.write(built->payloads[index], model); });
  written.bytes += model.size();

  if (data) {
    // An older model must not end up with newer data: for a moment there is none.
    if (fs::exists(data_path)) model.remove_target();
    data->commit();
  }
  model.commit();
  return written;
}

std::string serialize_onnx(const OnnxFile& file) {
  const std::unique_ptr<BuiltModel> built = build_model(file);
  for_each_tensor(*built->model, [](onnx::TensorProto& tensor) {
    if (!is_external(tensor)) return;
    tensor.clear_external_data();
    tensor.clear_data_location();
  });
  const Expansion expansion = expand(*built, file.model.file);
  if (expansion.size() > kLargestModel) fail_too_large(expansion.size(), file.model.file);
  std::string text;
  text.reserve(static_cast<std::size_t>(expansion.size()));
  expansion.write([&](std::string_view piece) { text += piece; },
                  [&](PayloadIndex index) {
                    built->payloads[index].for_each_piece([&](std::span<const std::byte> piece) {
                      text.append(reinterpret_cast<const char*>(piece.data()), piece.size());
                    });
                  });
  return text;
}

}  // namespace qprep
