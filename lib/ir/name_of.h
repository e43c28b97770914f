#pragma once

#include <string>

#include "ir/graph.h"

/// How messages and reports call nodes and values, so that the user finds them in his file.
namespace qprep {

/// "Conv 'conv1'"; of a node that a replacement put in, "Reshape 'fc_in' made for 'fc'".
std::string name_of(const Node& node);
/// "'x'"; of a value that a replacement put in, "'fc_out_4d' of Conv 'fc'".
std::string name_of(const Value& value);

/// The value of the user's file with the elements of one that a replacement put between its nodes: what the
/// Reshape beside it reads or makes. The value itself where there is none, or where it is of the file.
const Value& users_value(const Value& value);

}  // namespace qprep
