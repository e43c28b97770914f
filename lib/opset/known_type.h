#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "ir/graph.h"

namespace qprep {

/// What can be told of a value besides its own type: shape inference stops behind an operator that ONNX does
/// not know, as the experimental ones of the first versions.
struct KnownType {
  DType dtype = DType::kUndefined;
  std::optional<std::size_t> rank;
};

/// The value's own type, or what follows from operators whose result is like their first input.
KnownType known_type(const Value& value);

/// How far the first result of an operator is like its first input.
enum class Likeness { kTypeAndRank, kTypeAndGreatestRank, kType };

struct LikeInput {
  std::string_view op;
  Likeness likeness;
};

/// The operators that known_type looks through, by name.
std::span<const LikeInput> operators_like_their_input();

}  // namespace qprep
