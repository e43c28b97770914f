#include "onnx_io/inference_limits.h"

#include <limits>
#include <unordered_map>

namespace qprep {
namespace {

/// Table entries that inference may copy: some seconds.
constexpr std::uint64_t kMostWork = 20'000'000;
/// Levels that types may nest: protobuf copies them recursively.
constexpr std::uint64_t kMostNesting = 1000;

/// Sums and products stop at the largest number.
std::uint64_t add(std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<std::uint64_t>::max() : sum;
}

bool nests_types(const Node& node) {
  return node.is_onnx_domain() &&
         (node.op() == "SequenceConstruct" || node.op() == "Optional" || node.op() == "SplitToSequence" ||
          node.op() == "SequenceEmpty" || node.op() == "SequenceMap");
}

/// What inference does for a graph or a function.
struct Work {
  std::uint64_t entries = 0;  // table entries copied, nodes visited
  std::uint64_t nesting = 0;  // nodes that make a type out of a type

  Work& operator+=(const Work& other) {
    entries = add(entries, other.entries);
    nesting = add(nesting, other.nesting);
    return *this;
  }
};

class WorkEstimate {
 public:
  WorkEstimate(const Model& model, bool functions, bool bodies)
      : model_(model), functions_(functions), bodies_(bodies) {
    for (const Function& function : model.functions) {
      if (functions) by_name_[key(function.domain, function.name, function.overload)] = &function;
    }
  }

  Work of_model() {
    // Every function must be sound, called or not: inference checks their calls for cycles first.
    Work work = of_graph(*model_.graph, 0);
    if (by_name_.size() != (functions_ ? model_.functions.size() : 0)) work.entries = kEndless;
    for (const auto& [name, function] : by_name_) {
      if (of_function(*function).entries == kEndless) work.entries = kEndless;
    }
    return work;
  }

 private:
  static constexpr std::uint64_t kEndless = std::numeric_limits<std::uint64_t>::max();

  static std::string key(const std::string& domain, const std::string& name, const std::string& overload) {
    return domain + ":" + name + ":" + overload;
  }

  Work of_graph(const Graph& graph, std::uint64_t outer_values) {
    std::uint64_t values = outer_values + graph.inputs().size() + graph.initializers().size();
    for (const Node& node : graph.nodes()) values += node.output_count();
    Work work;
    for (const Node& node : graph.nodes()) {
      work += {1 + node.input_count() + node.output_count(), nests_types(node) ? 1U : 0U};
      for (const Graph* body : node.bodies()) {
        if (!bodies_) continue;
        work += {values + model_.functions.size(), 0};
        work += of_graph(*body, values);
      }
      const auto function =
          by_name_.empty() ? by_name_.end() : by_name_.find(key(node.domain(), node.op(), node.overload()));
      if (function == by_name_.end()) continue;
      work += {model_.functions.size(), 0};
      work += of_function(*function->second);
    }
    return work;
  }

  Work of_function(const Function& function) {
    const auto [known, is_new] = of_functions_.try_emplace(&function, Work{kEndless, 0});
    if (!is_new) return known->second;  // endless while it is being computed: it calls itself
    const Work work = of_graph(*function.body, 0);
    of_functions_[&function] = work;
    return work;
  }

  const Model& model_;
  bool functions_;
  bool bodies_;
  std::unordered_map<std::string, const Function*> by_name_;
  std::unordered_map<const Function*, Work> of_functions_;
};

}  // namespace

InferenceScope inference_scope(const Model& model) {
  InferenceScope scope;
  const auto fits = [&] {
    const Work work = WorkEstimate(model, scope.functions, scope.bodies).of_model();
    return work.entries <= kMostWork && work.nesting <= kMostNesting;
  };
  if (!fits()) {
    scope.functions = false;
    if (!fits()) {
      scope.bodies = false;
      scope.any = fits();
    }
  }
  return scope;
}

}  // namespace qprep
