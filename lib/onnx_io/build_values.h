#pragma once

#include <vector>

#include "onnx_io/name_changes.h"

namespace qprep {

using ValueInfos = google::protobuf::RepeatedPtrField<onnx::ValueInfoProto>;
using TensorAnnotations = google::protobuf::RepeatedPtrField<onnx::TensorAnnotation>;
using StringList = google::protobuf::RepeatedPtrField<std::string>;

/// Result: an entry a value: the record's of that name, or one made from the value's type.
/// `record`: null for a graph that no file has.
void build_signature(const std::vector<const Value*>& values, const ValueInfos* record, ValueInfos& infos);

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
