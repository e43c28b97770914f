#include "onnx_io/inference_limits.h"

#include <algorithm>
#include <limits>
#include <onnx/defs/schema.h>
#include <unordered_map>

namespace qprep {
namespace {

/// Table entries that inference may copy: some seconds.
constexpr std::uint64_t kMostWork = 20'000'000;
/// Dims that data propagation may keep.
constexpr std::uint64_t kMostData = 4'000'000;
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

/// How many dims data propagation keeps for the values of a model at most.
class DataEstimate {
 public:
  explicit DataEstimate(const Model& model) : model_(model) {}

  std::uint64_t of_graph(const Graph& graph) {
    for (const Node& node : graph.nodes()) {
      for (const Graph* body : node.bodies()) of_graph(*body);
      const std::uint64_t size = of_node(node);
      if (size == 0) continue;
      for (std::size_t i = 0; i < node.output_count(); ++i) sizes_[&node.output(i)] = size;
      total_ = add(total_, size);
    }
    return total_;
  }

 private:
  std::uint64_t of_value(const Value* value) const {
    if (!value) return 0;
    if (const Tensor* tensor = constant_of(*value)) {
      const bool may_be_shape = tensor->dims().size() <= 1 && tensor->bytes().size() <= kLargestShapeData &&
                                (tensor->dtype() == DType::kInt64 || tensor->dtype() == DType::kInt32);
      return may_be_shape ? static_cast<std::uint64_t>(tensor->size()) : 0;
    }
    const auto known = sizes_.find(value);
    return known == sizes_.end() ? 0 : known->second;
  }

  std::uint64_t of_node(const Node& node) const {
    constexpr std::uint64_t kLargestRank = 64;
    if (!node.is_onnx_domain() || !propagates(node.op())) return 0;
    std::uint64_t sum = 0;
    std::uint64_t largest = node.op() == "Shape" || node.op() == "Size" ? kLargestRank : 0;
    for (std::size_t i = 0; i < node.input_count(); ++i) {
      const std::uint64_t size = of_value(node.input(i));
      sum = add(sum, size);
      largest = std::max(largest, size);
    }
    return node.op() == "Concat" ? sum : largest;
  }

  bool propagates(const std::string& op) const {
    const auto [known, is_new] = propagates_.try_emplace(op, false);
    if (is_new) {
      const auto* schema = onnx::OpSchemaRegistry::Schema(op, static_cast<int>(model_.opset()));
      known->second = schema && schema->has_data_propagation_function();
    }
    return known->second;
  }

  const Model& model_;
  std::unordered_map<const Value*, std::uint64_t> sizes_;
  mutable std::unordered_map<std::string, bool> propagates_;
  std::uint64_t total_ = 0;
};

/// Functions may join shapes too; what grows in them is not followed.
bool functions_join_shapes(const Model& model) {
  return std::any_of(model.functions.begin(), model.functions.end(), [](const Function& function) {
    return std::any_of(function.body->nodes().begin(), function.body->nodes().end(),
                       [](const Node& node) { return node.is("Concat"); });
  });
}

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
  const bool join = scope.functions && functions_join_shapes(model);
  scope.data = !join && DataEstimate(model).of_graph(*model.graph) <= kMostData;
  return scope;
}

}  // namespace qprep
