#pragma once

#include <vector>

#include "onnx_io/name_changes.h"

namespace qprep {

using ValueInfos = google::protobuf::RepeatedPtrField<onnx::ValueInfoProto>;
using TensorAnnotations = google::protobuf::RepeatedPtrField<onnx::TensorAnnotation>;
using StringList = google::protobuf::RepeatedPtrField<std::string>;

/// When a value's record no longer holds: if its type is any other (a model's inputs, of which only passes
/// change the type), if a node makes it and its sizes contradict the record (a model's outputs, of which
/// shape inference may know more), or never (a body's).
enum class Outdated { kIfOther, kIfContradicted, kNever };

/// Result: an entry a value: the record's of that name, with the value's type if the record is outdated, or
/// one made from that type. `record`: null for a graph that no file has.
void build_signature(Outdated outdated, const std::vector<const Value*>& values, const ValueInfos* record,
                     ValueInfos& infos);

/// Result: the record's entries about values that are still there, under the names that these have now; and,
/// where the record describes values at all, entries for those that new nodes make. Without a record: entries
/// for all whose type is known.
void build_value_infos(const Graph& graph, const ValueInfos* record, const NameChanges* changes,
                       ValueInfos& infos);

/// Result: the record's annotations of values that are still there, under the names that these have now.
void build_annotations(const TensorAnnotations& record, const NameChanges& changes,
                       TensorAnnotations& annotations);

/// Result: `names` are those of `values` (null: the empty name); nothing is touched if they are already.
void update_names(const std::vector<const Value*>& values, StringList& names);

}  // namespace qprep
