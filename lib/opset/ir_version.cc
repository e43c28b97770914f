#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <unordered_set>
#include <utility>

#include "opset/raise_opset.h"
#include "support/codes.h"

namespace qprep {
namespace {

// {the first opset, the IR version that was released with it}, newest first.
constexpr std::array<std::pair<std::int64_t, std::int64_t>, 12> kReleases = {{{28, 14},
                                                                              {25, 13},
                                                                              {24, 12},
                                                                              {23, 11},
                                                                              {21, 10},
                                                                              {19, 9},
                                                                              {15, 8},
                                                                              {12, 7},
                                                                              {11, 6},
                                                                              {10, 5},
                                                                              {9, 4},
                                                                              {1, 3}}};

// The first IR version under which an initializer need not be an input of its graph.
constexpr std::int64_t kFreeInitializers = 4;

void drop_constant_inputs(Graph& graph, std::vector<std::string>& dropped) {
  std::unordered_set<Value*> constants;
  for (Value* input : graph.inputs()) {
    if (!input->initializer()) continue;
    constants.insert(input);
    dropped.push_back(input->name());
  }
  if (!constants.empty()) graph.drop_inputs(constants);
  for (Node& node : graph.nodes()) {
    for (Graph* body : node.bodies()) drop_constant_inputs(*body, dropped);
  }
}

}  // namespace

std::int64_t ir_version_for_opset(std::int64_t opset) {
  const auto* at = std::find_if(kReleases.begin(), kReleases.end(),
                                [&](const auto& release) { return release.first <= opset; });
  return at == kReleases.end() ? kReleases.back().second : at->second;
}

void raise_ir_version(Model& model, std::int64_t version, Diagnostics& diagnostics) {
  if (model.ir_version >= version) return;
  const std::int64_t before = std::exchange(model.ir_version, version);
  if (before >= kFreeInitializers || version < kFreeInitializers) return;
  std::vector<std::string> dropped;
  drop_constant_inputs(*model.graph, dropped);
  if (dropped.empty()) return;
  const std::string which =
      dropped.size() == 1
          ? fmt::format("'{}' is no longer a graph input, so that it stays the constant it was",
                        dropped.front())
          : fmt::format(
                "'{}' and {} more are no longer graph inputs, so that they stay the constants they were",
                dropped.front(), dropped.size() - 1);
  diagnostics.note(codes::kIrVersion,
                   fmt::format("the IR version rises from {} to {}: {}", before, version, which),
                   {model.file});
}

}  // namespace qprep
