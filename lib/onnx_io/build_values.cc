#include "onnx_io/build_values.h"

#include <algorithm>

#include "onnx_io/types.h"

namespace qprep {
namespace {

void add_value_info(const Value& value, ValueInfos& infos) {
  onnx::ValueInfoProto& info = *infos.Add();
  info.set_name(value.name());
  if (value.type().kind == Type::Kind::kTensor) write_type(value.type(), *info.mutable_type());
}

/// What inference finds beyond the record, or against it, is not written: it may leave open what is known
/// here.
bool still_holds(const onnx::ValueInfoProto& record, const Value& value, Outdated outdated) {
  const Type& now = value.type();
  if (outdated == Outdated::kNever || now.kind != Type::Kind::kTensor || !record.has_type()) return true;
  const Type before = read_type(record.type());
  if (before == now || before.kind != Type::Kind::kTensor) return true;
  if (outdated == Outdated::kIfOther) return false;
  if (!value.producer() || before.dtype != now.dtype) return true;
  return !shapes_contradict(before, now);
}

void add_record(const onnx::ValueInfoProto& record, const Value& value, Outdated outdated,
                ValueInfos& infos) {
  onnx::ValueInfoProto& info = *infos.Add();
  info = record;
  if (still_holds(record, value, outdated)) return;
  info.clear_type();
  write_type(value.type(), *info.mutable_type());
}

}  // namespace

void build_signature(Outdated outdated, const std::vector<const Value*>& values, const ValueInfos* record,
                     ValueInfos& infos) {
  const auto same = [outdated](const Value* value, const auto& info) {
    return value->name() == info.name() && still_holds(info, *value, outdated);
  };
  if (record && std::equal(values.begin(), values.end(), record->begin(), record->end(), same)) {
    infos = *record;
    return;
  }
  std::unordered_map<std::string_view, const onnx::ValueInfoProto*> in_file;
  if (record) {
    for (const onnx::ValueInfoProto& info : *record) in_file.emplace(info.name(), &info);
  }
  for (const Value* value : values) {
    const auto found = in_file.find(value->name());
    if (found == in_file.end()) {
      add_value_info(*value, infos);
    } else {
      add_record(*found->second, *value, outdated, infos);
    }
  }
}

void build_value_infos(const Graph& graph, const ValueInfos* record, const NameChanges* changes,
                       ValueInfos& infos) {
  if (record && changes->none()) {
    infos = *record;
    return;
  }
  if (record && record->empty()) return;
  std::unordered_set<std::string_view> described;
  for (const Value* value : graph.inputs()) described.insert(value->name());
  for (const Value* value : graph.outputs()) described.insert(value->name());
  if (record) {
    for (const onnx::ValueInfoProto& info : *record) {
      const std::optional<std::string> name = changes->now(info.name());
      if (!name || (*name != info.name() && described.contains(*name))) continue;
      onnx::ValueInfoProto& copy = *infos.Add();
      copy = info;
      const Value* renamed = changes->renamed(info.name());
      if (renamed && !still_holds(info, *renamed, Outdated::kIfContradicted)) {
        copy.clear_type();
        write_type(renamed->type(), *copy.mutable_type());
      }
      if (*name != info.name()) copy.set_name(*name);
      described.insert(copy.name());
    }
  }
  for (const Node& node : graph.nodes()) {
    if (node.origin() != kNoOrigin) continue;
    for (std::size_t i = 0; i < node.output_count(); ++i) {
      const Value& value = node.output(i);
      if (value.type().kind != Type::Kind::kTensor || value.name().empty()) continue;
      if (described.insert(value.name()).second) add_value_info(value, infos);
    }
  }
}

void build_annotations(const TensorAnnotations& record, const NameChanges& changes,
                       TensorAnnotations& annotations) {
  for (const onnx::TensorAnnotation& annotation : record) {
    const std::optional<std::string> name = changes.now(annotation.tensor_name());
    if (!name) continue;
    onnx::TensorAnnotation& copy = *annotations.Add();
    copy = annotation;
    if (*name != annotation.tensor_name()) copy.set_tensor_name(*name);
  }
}

void update_names(const std::vector<const Value*>& values, StringList& names) {
  const auto name_of = [](const Value* value) { return value ? std::string_view(value->name()) : ""; };
  const auto same = [&](const Value* value, const std::string& name) { return name_of(value) == name; };
  if (std::equal(values.begin(), values.end(), names.begin(), names.end(), same)) return;
  names.Clear();
  for (const Value* value : values) *names.Add() = name_of(value);
}

}  // namespace qprep
