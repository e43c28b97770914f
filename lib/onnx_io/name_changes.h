#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "onnx_io/file_record.h"

namespace qprep {

/// The names that a graph or function defined in its file.
struct NamesInFile {
  std::vector<std::string_view> inputs;
  std::vector<std::string_view> initializers;
  const google::protobuf::RepeatedPtrField<onnx::NodeProto>& nodes;
};

NamesInFile names_in(const onnx::GraphProto& proto);
NamesInFile names_in(const onnx::FunctionProto& proto);

/// What became of the names that the values of a graph (not of its bodies) had in its file.
class NameChanges {
 public:
  NameChanges(const Graph& graph, const FileRecord& record, const NamesInFile& in_file);

  bool none() const { return none_; }
  /// What an entry of the file about `name` is about now: the name that its value has, or whatever took the
  /// name over; nullopt if both are gone. A name that no value had stays.
  std::optional<std::string> now(const std::string& name) const;
  /// The value that had that name in the file and has another now; null: none.
  const Value* renamed(std::string_view name) const;

 private:
  void add(const Value& value, std::string_view name_in_file);

  bool none_ = true;
  std::unordered_set<std::string_view> in_file_;
  std::unordered_set<std::string_view> current_;
  std::unordered_map<std::string_view, const Value*> renamed_;
};

}  // namespace qprep
