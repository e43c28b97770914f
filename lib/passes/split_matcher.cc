#include "passes/split_matcher.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_set>
#include <utility>

namespace qprep {
namespace {

/// What a Slice takes along the only axis that it cuts.
struct Piece {
  std::int64_t axis = 0;
  std::int64_t begin = 0, end = 0;
  std::int64_t size = 0;  // of the axis
  const Node* node = nullptr;
};

/// An attribute, before operator set 10, or a constant input; `otherwise` where it is left out.
std::optional<std::vector<std::int64_t>> numbers(const Node& node, const char* attribute, std::size_t input,
                                                 std::vector<std::int64_t> otherwise) {
  if (const auto* written = node.get<std::vector<std::int64_t>>(attribute)) return *written;
  const Value* value = node.input(input);
  if (!value) return otherwise;
  const Tensor* tensor = constant_of(*value);
  return tensor ? tensor->to_int64s() : std::nullopt;
}

std::int64_t clamped(std::int64_t index, std::int64_t size) {
  return std::clamp<std::int64_t>(index < 0 ? index + size : index, 0, size);
}

std::optional<Piece> piece_of(const Node& node) {
  if (!node.is("Slice") || !node.input(0) || !node.input(0)->type().shape) return std::nullopt;
  const Shape& shape = *node.input(0)->type().shape;
  const auto begins = numbers(node, "starts", 1, {});
  const auto ends = numbers(node, "ends", 2, {});
  if (!begins || !ends || begins->size() != 1 || ends->size() != 1) return std::nullopt;
  const auto axes = numbers(node, "axes", 3, {0});
  const auto steps = numbers(node, "steps", 4, {1});
  if (!axes || axes->size() != 1 || !steps || *steps != std::vector<std::int64_t>{1}) return std::nullopt;
  Piece piece{axes->front(), 0, 0, 0, &node};
  if (piece.axis < 0) piece.axis += std::ssize(shape);
  if (piece.axis < 0 || piece.axis >= std::ssize(shape)) return std::nullopt;
  const Dim& dim = shape[static_cast<std::size_t>(piece.axis)];
  if (!dim.known()) return std::nullopt;
  piece.size = dim.size;
  piece.begin = clamped(begins->front(), dim.size);
  piece.end = clamped(ends->front(), dim.size);
  return piece;
}

/// Each element is in one piece.
bool cover(const std::vector<Piece>& pieces) {
  std::int64_t at = 0;
  for (const Piece& piece : pieces) {
    if (piece.begin != at || piece.end <= piece.begin) return false;
    at = piece.end;
  }
  return at == pieces.front().size;
}

}  // namespace

std::vector<Block> find_splits(const Model& model) {
  std::vector<Block> found;
  std::unordered_set<const Value*> seen;
  for (const Node& node : model.graph->nodes()) {
    if (!node.is("Slice") || !node.input(0) || !seen.insert(node.input(0)).second) continue;
    std::map<std::int64_t, std::vector<Piece>> by_axis;
    for (const Use& use : node.input(0)->uses()) {
      const bool reads_it = use.input == 0 && &use.node->graph() == model.graph.get();
      if (const auto piece = reads_it ? piece_of(*use.node) : std::nullopt) {
        by_axis[piece->axis].push_back(*piece);
      }
    }
    for (auto& [axis, pieces] : by_axis) {
      std::sort(pieces.begin(), pieces.end(),
                [](const Piece& a, const Piece& b) { return a.begin < b.begin; });
      if (pieces.size() < 2 || !cover(pieces)) continue;
      Block block{"Split", {}};
      for (const Piece& piece : pieces) block.nodes.push_back(piece.node);
      std::sort(block.nodes.begin(), block.nodes.end(),
                [](const Node* a, const Node* b) { return a->mark() < b->mark(); });
      found.push_back(std::move(block));
    }
  }
  return found;
}

}  // namespace qprep
