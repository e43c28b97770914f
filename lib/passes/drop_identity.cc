#include "passes/drop_identity.h"

#include <algorithm>
#include <iterator>
#include <numeric>

#include "passes/rewriter.h"

namespace qprep {
namespace {

using Perm = std::vector<std::int64_t>;

bool same_static_dims(const Value& a, const Value& b) {
  const std::optional<Dims> dims = a.type().static_dims();
  return dims && dims == b.type().static_dims();
}

bool is_identity(const Perm& perm) {
  for (std::size_t i = 0; i < perm.size(); ++i) {
    if (perm[i] != static_cast<std::int64_t>(i)) return false;
  }
  return true;
}

bool is_permutation_of_axes(const Perm& perm) {
  Perm axes(perm.size());
  std::iota(axes.begin(), axes.end(), 0);
  return std::is_permutation(perm.begin(), perm.end(), axes.begin());
}

/// The node's permutation; nullopt if it is the default one and the rank is unknown.
std::optional<Perm> perm_of(const Node& node) {
  if (const auto* perm = node.get<Perm>("perm")) {
    return is_permutation_of_axes(*perm) ? std::optional(*perm) : std::nullopt;
  }
  if (node.attribute("perm") || !node.input(0)) return std::nullopt;
  const std::optional<std::size_t> rank = node.input(0)->type().rank();
  if (!rank) return std::nullopt;
  Perm perm(*rank);
  std::iota(perm.rbegin(), perm.rend(), 0);
  return perm;
}

bool copies_axes(const Node& reshape, const std::vector<std::int64_t>& target) {
  return reshape.int_or("allowzero", 0) == 0 && std::count(target.begin(), target.end(), 0) > 0;
}

class Dropper {
 public:
  Dropper(Model& model, Env& env)
      : rewriter_(model, env), opset_(model.opset()), defaults_hold_(model.ir_version < 4) {}

  bool run(Model& model) {
    for_each_graph(model, [this](Graph& graph) {
      for (auto at = graph.nodes().begin(); at != graph.nodes().end();) {
        Node& node = *at;
        ++at;
        visit(node);
      }
    });
    rewriter_.finish();
    return changed_;
  }

 private:
  void visit(Node& node) {
    if (!node.is_onnx_domain() || !node.input(0) || node.output_count() == 0 ||
        node.output(0).name().empty()) {
      return;
    }
    if (node.op() == "Transpose") merge_transposes(node);
    if (node.op() == "Reshape") merge_reshapes(node);
    if (Value* equal = equal_input(node); equal && rewriter_.drop(node, *equal)) changed_ = true;
  }

  /// From IR 4 on, an input with a default may be given a value that makes the node do something.
  std::optional<std::vector<std::int64_t>> constant_ints(const Value* value) const {
    const Tensor* tensor = value ? constant_of(*value) : nullptr;
    const bool holds = tensor && (!value->is_graph_input() || defaults_hold_);
    return holds ? tensor->to_int64s() : std::nullopt;
  }

  std::optional<std::vector<std::int64_t>> reshape_target(const Node& node) const {
    if (opset_ >= 5) return constant_ints(node.input(1));
    const auto* shape = node.get<std::vector<std::int64_t>>("shape");
    return shape ? std::optional(*shape) : std::nullopt;
  }

  /// The input that the node's first output always equals, if nothing else of the node is used.
  Value* equal_input(const Node& node) const {
    for (std::size_t i = 1; i < node.output_count(); ++i) {
      if (!node.output(i).is_unused()) return nullptr;
    }
    const std::string& op = node.op();
    const bool equal =
        op == "Identity" || (op == "Dropout" && is_idle_dropout(node)) ||
        (op == "Cast" && is_idle_cast(node)) || (op == "CastLike" && is_idle_cast_like(node)) ||
        (op == "Reshape" && is_idle_reshape(node)) || (op == "Flatten" && is_idle_flatten(node)) ||
        (op == "Expand" && same_static_dims(*node.input(0), node.output(0))) ||
        (op == "Transpose" && is_idle_transpose(node)) || (op == "Pad" && is_idle_pad(node)) ||
        is_of_one_input(node);
    return equal ? node.input(0) : nullptr;
  }

  bool is_idle_dropout(const Node& node) const {
    if (opset_ < 7) return node.int_or("is_test", 0) != 0;
    if (opset_ < 12 || !node.input(2)) return true;
    const auto training = constant_ints(node.input(2));
    return training && training->size() == 1 && training->front() == 0;
  }

  static bool is_idle_cast(const Node& node) {
    const auto* to = node.get<std::int64_t>("to");
    return to && *to != 0 && node.input(0)->type().is_tensor_of(static_cast<DType>(*to));
  }

  static bool is_idle_cast_like(const Node& node) {
    const Type& type = node.input(0)->type();
    return node.input(1) && type.dtype != DType::kUndefined &&
           node.input(1)->type().is_tensor_of(type.dtype) && type.is_tensor_of(type.dtype);
  }

  /// True if each axis of the target is the input's, but for at most one that follows from the others.
  bool is_idle_reshape(const Node& node) const {
    const Value& x = *node.input(0);
    if (same_static_dims(x, node.output(0))) return true;
    const auto target = reshape_target(node);
    if (!target || !x.type().shape || target->size() != x.type().shape->size()) return false;
    std::size_t inferred = 0;
    for (std::size_t i = 0; i < target->size(); ++i) {
      const std::int64_t wanted = (*target)[i];
      const Dim& dim = (*x.type().shape)[i];
      if (wanted == -1) {
        ++inferred;
      } else if (wanted == 0 && node.int_or("allowzero", 0) == 0) {
        continue;
      } else if (!dim.known() || dim.size != wanted) {
        return false;
      }
    }
    return inferred <= 1;
  }

  static bool is_idle_flatten(const Node& node) {
    const std::int64_t axis = node.int_or("axis", 1);
    return node.input(0)->type().rank() == 2 && (axis == 1 || axis == -1);
  }

  static bool is_idle_transpose(const Node& node) {
    const std::optional<Perm> perm = perm_of(node);
    return perm && is_identity(*perm);
  }

  bool is_idle_pad(const Node& node) const {
    std::optional<std::vector<std::int64_t>> pads;
    if (opset_ >= 11) {
      pads = constant_ints(node.input(1));
    } else if (const auto* given = node.get<std::vector<std::int64_t>>(opset_ >= 2 ? "pads" : "paddings")) {
      pads = *given;
    }
    return pads && std::all_of(pads->begin(), pads->end(), [](std::int64_t pad) { return pad == 0; });
  }

  static bool is_of_one_input(const Node& node) {
    const std::string& op = node.op();
    return node.input_count() == 1 &&
           (op == "Concat" || op == "Sum" || op == "Max" || op == "Min" || op == "Mean");
  }

  /// y[i] = x[inner][outer][i]: axis i of y is axis inner[outer[i]] of x.
  void merge_transposes(Node& node) {
    Node* inner = node.input(0)->producer();
    if (!inner || !inner->is("Transpose") || !inner->input(0)) return;
    const std::optional<Perm> first = perm_of(*inner);
    const std::optional<Perm> second = perm_of(node);
    if (!first || !second || first->size() != second->size()) return;
    Perm both;
    for (const std::int64_t axis : *second) both.push_back((*first)[static_cast<std::size_t>(axis)]);
    if (!is_identity(both) && !node.input(0)->has_single_use()) return;
    skip_inner(node, *inner);
    node.set_attribute("perm", std::move(both));
  }

  void merge_reshapes(Node& node) {
    Node* inner = node.input(0)->producer();
    if (!inner || !inner->input(0) || !node.input(0)->has_single_use()) return;
    const bool reinterprets =
        inner->is("Reshape") || inner->is("Flatten") || inner->is("Squeeze") || inner->is("Unsqueeze");
    const auto target = reshape_target(node);
    if (!reinterprets || !target || copies_axes(node, *target)) return;
    skip_inner(node, *inner);
  }

  void skip_inner(Node& node, Node& inner) {
    if (node.input(0)->has_single_use()) node.take_over(inner);
    rewriter_.skip_inner(node, inner);
    changed_ = true;
  }

  Rewriter rewriter_;
  std::int64_t opset_;
  bool defaults_hold_;
  bool changed_ = false;
};

}  // namespace

bool drop_identity(Model& model, Env& env) { return Dropper(model, env).run(model); }

}  // namespace qprep
