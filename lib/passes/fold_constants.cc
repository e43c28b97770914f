#include "passes/fold_constants.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include "passes/evaluate.h"
#include "passes/rewriter.h"
#include "support/codes.h"

namespace qprep {
namespace {

constexpr std::string_view kOfNoInput = "was computed in advance, since it depends on no input";
constexpr std::string_view kOfSizes =
    "was computed in advance: its result does not depend on the data, but on sizes that are known";

/// A tensor of sizes of which some may be unknown.
struct Sizes {
  Dims dims;
  std::vector<Dim> values;
};

std::optional<Tensor> all_known(const Sizes& sizes) {
  std::vector<std::int64_t> values;
  for (const Dim& dim : sizes.values) {
    if (!dim.known()) return std::nullopt;
    values.push_back(dim.size);
  }
  return Tensor::int64s(sizes.dims, std::move(values));
}

/// The tensor of a Constant of any kind but strings and sparse ones.
std::optional<Tensor> tensor_of_constant(const Node& node) {
  if (node.attributes().size() != 1 || !node.attributes().front().reference.empty()) return std::nullopt;
  const Attribute& attribute = node.attributes().front();
  if (const auto* tensor = node.get<Tensor>("value")) {
    return tensor->dtype() == DType::kString ? std::nullopt : std::optional(*tensor);
  }
  const auto size_of = [](const auto& values) { return Dims{static_cast<std::int64_t>(values.size())}; };
  if (const auto* value = node.get<float>("value_float")) return Tensor::scalar(*value);
  if (const auto* value = node.get<std::int64_t>("value_int")) return Tensor::int64s({}, {*value});
  if (attribute.name == "value_floats") {
    if (const auto* values = std::get_if<std::vector<float>>(&attribute.value)) {
      return Tensor::floats(size_of(*values), *values);
    }
  }
  if (attribute.name == "value_ints") {
    if (const auto* values = std::get_if<std::vector<std::int64_t>>(&attribute.value)) {
      return Tensor::int64s(size_of(*values), *values);
    }
  }
  return std::nullopt;
}

std::size_t bytes_of_constants(Model& model) {
  std::size_t bytes = 0;
  for_each_graph(model, [&bytes](Graph& graph) {
    for (const Value* value : graph.initializers()) bytes += value->initializer()->payload().size();
    for (const Node& node : graph.nodes()) {
      if (node.op() != "Constant" || node.output_count() == 0) continue;
      if (const Tensor* tensor = constant_of(node.output(0))) bytes += tensor->payload().size();
    }
  });
  return bytes;
}

class Folder {
 public:
  Folder(Model& model, Env& env) : model_(model), env_(env), rewriter_(model, env), opset_(model.opset()) {
    const std::size_t constants = std::min(bytes_of_constants(model), env.limits.folding_bytes_of_constants);
    budget_ = env.limits.folding_bytes + 4 * constants;
    for (const GoneNode& each : model.gone) {
      if (each.because == kOfSizes) known_of_sizes_.insert(each.results.begin(), each.results.end());
    }
  }

  bool run() {
    walk(*model_.graph);
    for (Node* node : folded_) replace(*node);
    std::for_each(folded_.rbegin(), folded_.rend(), [this](Node* node) { erase_if_unused(*node); });
    rewriter_.finish();
    if (left_count_ > 0) {
      env_.diagnostics.note(
          codes::kFoldLimit,
          fmt::format("{}{} could be computed now, but the result would be too large to keep; left as it is",
                      fmt::format("node '{}'", first_left_),
                      left_count_ > 1 ? fmt::format(" and {} more", left_count_ - 1) : ""),
          {model_.file});
    }
    return changed_;
  }

 private:
  void walk(Graph& graph) {
    for (Node& node : graph.nodes()) {
      for (Graph* body : node.bodies()) walk(*body);
      if (!node.is_onnx_domain() || node.output_count() == 0) continue;
      if (node.op() == "Constant") {
        if (std::optional<Tensor> tensor = tensor_of_constant(node)) fold(node, {std::move(*tensor)});
      } else if (node.op() == "Shape" || node.op() == "Size") {
        read_shape(node);
      } else if (can_evaluate(node) && node.input_count() > 0) {
        if (!pick_sizes(node)) compute(node);
      }
    }
  }

  const Tensor* constant(const Value& value) const {
    const auto at = known_.find(&value);
    return at == known_.end() ? constant_of(value) : &at->second;
  }

  /// The constants that the node reads, but for input 0 if `but_first`; nullopt if another input is no
  /// constant.
  std::optional<std::vector<const Tensor*>> constants_of(const Node& node, bool but_first = false) const {
    std::vector<const Tensor*> tensors;
    for (std::size_t i = 0; i < node.input_count(); ++i) {
      const Value* value = node.input(i);
      tensors.push_back(value && !(but_first && i == 0) ? constant(*value) : nullptr);
      const bool missing = value && !tensors.back() && !(but_first && i == 0);
      if (missing) return std::nullopt;
      // The record of a string tensor has no payload here.
      if (tensors.back() && tensors.back()->dtype() == DType::kString) return std::nullopt;
    }
    return tensors;
  }

  void compute(Node& node) {
    const auto inputs = constants_of(node);
    if (!inputs) return;
    std::size_t read = 0;
    for (const Tensor* tensor : *inputs) read += tensor ? tensor->payload().size() : 0;
    Evaluation result;
    if (read <= budget_) {
      result = evaluate(node, *inputs, opset_, {env_.limits.folded_bytes, budget_ - read});
    } else {
      result.too_large = true;
    }
    if (result.too_large && left_count_++ == 0) first_left_ = node.label();
    if (result.outputs.empty()) return;
    spend(*inputs, read, result.outputs);
    take_inputs(node, 0);
    fold(node, std::move(result.outputs));
  }

  void take_inputs(Node& node, std::size_t first) {
    for (std::size_t i = first; i < node.input_count(); ++i) {
      if (Value* value = node.input(i)) rewriter_.took(*value);
    }
  }

  /// A result that is an input's payload in another shape costs nothing.
  void spend(const std::vector<const Tensor*>& inputs, std::size_t read, const std::vector<Tensor>& outputs) {
    const auto is_view = [&inputs](const Tensor& output) {
      return std::any_of(inputs.begin(), inputs.end(), [&output](const Tensor* input) {
        return input && input->payload().key() == output.payload().key();
      });
    };
    if (std::all_of(outputs.begin(), outputs.end(), is_view)) return;
    for (const Tensor& output : outputs) read += output.payload().size();
    budget_ -= std::min(read, budget_);
  }

  void read_shape(Node& node) {
    const Value* x = node.input(0);
    if (!x) return;
    std::optional<Shape> shape;
    if (const Tensor* tensor = constant(*x)) {
      shape.emplace();
      for (const std::int64_t size : tensor->dims()) shape->push_back({size, ""});
    } else if (!x->graph().holder()) {
      shape = x->type().shape;
    }
    if (!shape) return;
    if (node.op() == "Size") {
      const std::optional<Dims> dims = Type::tensor(DType::kUndefined, shape).static_dims();
      const auto count = dims ? element_count(*dims) : std::nullopt;
      if (count) fold(node, {Tensor::int64s({}, {*count})});
      return;
    }
    const auto rank = static_cast<std::int64_t>(shape->size());
    const auto clamped = [rank](std::int64_t at) {
      return std::clamp<std::int64_t>(at < 0 ? at + rank : at, 0, rank);
    };
    const std::int64_t start = clamped(node.int_or("start", 0));
    const std::int64_t end = std::max(start, clamped(node.int_or("end", rank)));
    know_sizes(node, {{end - start}, {shape->begin() + start, shape->begin() + end}});
  }

  void know_sizes(Node& node, Sizes sizes) {
    if (std::optional<Tensor> tensor = all_known(sizes)) {
      fold(node, {std::move(*tensor)});
    } else {
      sizes_.emplace(&node.output(0), std::move(sizes));
    }
  }

  /// Of sizes that are not all known, a node may pick some that are: it is evaluated on their positions.
  bool pick_sizes(Node& node) {
    static const std::unordered_set<std::string_view> kPickers = {"Gather",    "Slice",   "Squeeze",
                                                                  "Unsqueeze", "Reshape", "Identity"};
    const Value* x = node.input(0);
    const auto from = x ? sizes_.find(x) : sizes_.end();
    if (from == sizes_.end() || !kPickers.contains(node.op())) return false;
    auto inputs = constants_of(node, true);
    if (!inputs) return false;
    std::vector<std::int64_t> iota(from->second.values.size());
    std::iota(iota.begin(), iota.end(), 0);
    const Tensor positions = Tensor::int64s(from->second.dims, std::move(iota));
    inputs->front() = &positions;
    const Evaluation result = evaluate(node, *inputs, opset_, {env_.limits.folded_bytes, budget_});
    if (result.outputs.size() != 1) return false;
    Sizes picked{result.outputs[0].dims(), {}};
    for (const std::int64_t at : result.outputs[0].to_vector<std::int64_t>()) {
      picked.values.push_back(from->second.values[static_cast<std::size_t>(at)]);
    }
    take_inputs(node, 1);
    know_sizes(node, std::move(picked));
    return true;
  }

  void fold(Node& node, std::vector<Tensor> outputs) {
    if (follows_from_sizes(node)) of_sizes_.insert(&node);
    bool is_used = false;
    bool stays_a_node = model_.ir_version < 4;
    for (std::size_t i = 0; i < node.output_count(); ++i) {
      is_used = is_used || !node.output(i).is_unused();
      stays_a_node = stays_a_node || node.output(i).is_graph_output();
    }
    if (!is_used || (stays_a_node && node.output_count() > 1)) return;
    for (std::size_t i = 0; i < node.output_count(); ++i)
      known_.insert_or_assign(&node.output(i), outputs[i]);
    folded_.push_back(&node);
    is_folded_.insert(&node);
  }

  /// Of the size of a tensor that is computed from inputs, itself or what it reads.
  bool follows_from_sizes(const Node& node) const {
    const std::vector<Value*> inputs = node.inputs();
    const bool of_data = (node.op() == "Shape" || node.op() == "Size") && !constant(*inputs.front());
    if (of_data) return true;
    return std::any_of(inputs.begin(), inputs.end(), [this](const Value* value) {
      return value && (of_sizes_.contains(value->producer()) || sizes_.contains(value) ||
                       known_of_sizes_.contains(value->name()));
    });
  }

  bool is_needed(const Value& value) const {
    return value.is_graph_output() ||
           std::any_of(value.uses().begin(), value.uses().end(),
                       [this](const Use& use) { return !is_folded_.contains(use.node); });
  }

  void replace(Node& node) {
    for (std::size_t i = 0; i < node.output_count(); ++i) {
      Value& value = node.output(i);
      if (!is_needed(value)) continue;
      if (model_.ir_version >= 4 && !value.is_graph_output()) {
        rewriter_.replace_by_initializer(value, known_.at(&value));
        changed_ = true;
      } else if (!node.get<Tensor>("value") || node.op() != "Constant") {
        rewriter_.become_constant(node, known_.at(&value));
        changed_ = true;
      }
    }
  }

  void erase_if_unused(Node& node) {
    for (std::size_t i = 0; i < node.output_count(); ++i) {
      if (!node.output(i).is_unused()) return;
    }
    changed_ = true;
    rewriter_.erase(node, std::string(of_sizes_.contains(&node) ? kOfSizes : kOfNoInput));
  }

  Model& model_;
  Env& env_;
  Rewriter rewriter_;
  std::int64_t opset_;
  std::size_t budget_ = 0;
  std::unordered_map<const Value*, Tensor> known_;
  std::unordered_map<const Value*, Sizes> sizes_;
  std::vector<Node*> folded_;
  std::unordered_set<const Node*> is_folded_, of_sizes_;
  std::unordered_set<std::string> known_of_sizes_;  // constants that such nodes, gone since, became
  std::string first_left_;
  std::size_t left_count_ = 0;
  bool changed_ = false;
};

}  // namespace

bool fold_constants(Model& model, Env& env) { return model.opset() > 0 && Folder(model, env).run(); }

}  // namespace qprep
