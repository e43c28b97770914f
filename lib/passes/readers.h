#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace qprep {

/// Who besides these nodes reads what a node makes, as a sentence: "the output of Sub 'sub_3' is read by
/// Concat 'Concat_9' too". nullopt: nobody does, nor is it an output of the graph. Given: the value has a
/// producer. Looks at no more readers than it takes to find one.
std::optional<std::string> other_readers(const Value& value, const std::vector<const Node*>& nodes);

}  // namespace qprep
