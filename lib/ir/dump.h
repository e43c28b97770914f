#pragma once

#include <string>

#include "ir/graph.h"

namespace qprep {

/// The model as text, for people, --dump-after and golden files: a line a value or node, floats in their
/// shortest exact form, payloads of more than eight elements as their count, range and a hash of their bytes.
/// Its format is ours, so it does not change with a library's version.
std::string dump(const Model& model);

}  // namespace qprep
