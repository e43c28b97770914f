#include "passes/replace_operators.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <iterator>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>

#include "config/replacements.h"
#include "passes/composite_matcher.h"
#include "passes/replacement_functions.h"

namespace qprep {
namespace {

struct Row {
  std::string_view name;
  std::array<std::string_view, 3> ops;  // of the nodes that it is for
  Replaced (*run)(Replacing&);
  bool spells_out = false;  // what it makes is recognised as one unit, and not replaced in turn
};

// In the order of config/replacements.h.
const std::array kRows = {
    Row{"interpolate", {"Resize", "Upsample"}, replace::interpolate},
    Row{"sum-to-add", {"Sum"}, replace::sum_to_add},
    Row{"flatten-to-reshape", {"Flatten"}, replace::flatten_to_reshape},
    Row{"squeeze-to-reshape", {"Squeeze"}, replace::squeeze_to_reshape},
    Row{"unsqueeze-to-reshape", {"Unsqueeze"}, replace::unsqueeze_to_reshape},
    Row{"div-to-mul", {"Div"}, replace::div_to_mul},
    Row{"div-to-reciprocal", {"Div"}, replace::div_to_reciprocal},
    Row{"pow-to-mul", {"Pow"}, replace::pow_to_mul},
    Row{"reduce-mean-to-pool", {"ReduceMean"}, replace::reduce_mean_to_pool},
    Row{"reduce-to-kept-axes", {"ReduceMean", "ReduceMax", "ReduceSum"}, replace::reduce_to_kept_axes},
    Row{"matmul-to-one-rank", {"MatMul"}, replace::mat_mul_to_one_rank},
    Row{"gemm-to-conv", {"Gemm"}, replace::gemm_to_conv},
    Row{"batch-norm-to-conv", {"BatchNormalization"}, replace::batch_norm_to_conv},
    Row{"mul-to-conv", {"Mul"}, replace::mul_to_conv},
    Row{"where-to-mul", {"Where"}, replace::where_to_mul},
    Row{"compare-to-not", {"GreaterOrEqual", "LessOrEqual"}, replace::compare_to_not},
    Row{"softmax-to-parts", {"Softmax"}, replace::softmax_to_parts, true},
    Row{"log-softmax-to-parts", {"LogSoftmax"}, replace::log_softmax_to_parts, true},
    Row{"layer-norm-to-parts", {"LayerNormalization"}, replace::layer_norm_to_parts, true},
    Row{"rms-norm-to-parts", {"RMSNormalization"}, replace::rms_norm_to_parts, true},
    Row{"instance-norm-to-parts", {"InstanceNormalization"}, replace::instance_norm_to_parts, true},
    Row{"group-norm-to-parts", {"GroupNormalization"}, replace::group_norm_to_parts, true},
    Row{"reduce-l1-to-parts", {"ReduceL1"}, replace::reduce_l1_to_parts},
    Row{"reduce-l2-to-parts", {"ReduceL2"}, replace::reduce_l2_to_parts},
};

/// Why no replacement may touch the node; empty: one may.
std::string hindrance(const Node& node, std::int64_t opset) {
  if (opset < 7) return "the model's operator set is older than 7";
  if (!node.input(0) || node.input(0)->type().kind != Type::Kind::kTensor) return "its type is not known";
  for (std::size_t i = 1; i < node.output_count(); ++i) {
    if (!node.output(i).is_unused()) return "more than its first result is read";
  }
  return {};
}

class Replacer {
 public:
  Replacer(Model& model, Env& env) : model_(model), rewriter_(model, env), opset_(model.opset()) {
    for (const Row& row : kRows) {
      if (std::find(env.replace.begin(), env.replace.end(), row.name) == env.replace.end()) continue;
      for (const std::string_view op : row.ops) rows_[op].push_back(&row);
    }
    if (env.composites && env.op_classes) find_composites(env);
  }

  bool run() {
    for_each_graph(model_, [this](Graph& graph) {
      for (auto at = graph.nodes().begin(); at != graph.nodes().end();) {
        const auto before = at == graph.nodes().begin() ? graph.nodes().end() : std::prev(at);
        const Row* row = replaced_by(*at);
        changed_ = changed_ || row != nullptr;
        if (!row || row->spells_out) {
          ++at;
        } else {  // what it was replaced by may be replaced in turn
          at = before == graph.nodes().end() ? graph.nodes().begin() : std::next(before);
        }
      }
    });
    rewriter_.finish();
    return changed_;
  }

 private:
  void find_composites(const Env& env) {
    for (const auto& match :
         CompositeMatcher(env.composites->patterns, *env.op_classes).find(model_).matches) {
      if (match.nodes.size() < 2) continue;
      for (const Node* node : match.nodes) part_of_.emplace(node, match.pattern->name);
    }
  }

  /// What replaced the node; null: it stays.
  const Row* replaced_by(Node& node) {
    if (!node.is_onnx_domain() || node.output_count() == 0) return nullptr;
    const auto rows = rows_.find(node.op());
    if (rows == rows_.end()) return nullptr;
    const auto part = part_of_.find(&node);
    std::string because = part == part_of_.end()
                              ? hindrance(node, opset_)
                              : fmt::format("it is a part of {}, one unit as it is", part->second);
    std::string_view asked = rows->second.front()->name;
    for (const Row* row : rows->second) {
      if (!because.empty()) break;
      Replacing at(model_, rewriter_, made_, node, row->name);
      Replaced result = row->run(at);
      if (result.kind == Replaced::Kind::kYes) return row;
      asked = row->name;
      because = std::move(result.because);
    }
    if (!because.empty()) keep(node, asked, because);
    return nullptr;
  }

  void keep(const Node& node, std::string_view asked, const std::string& because) {
    if (&node.graph() != model_.graph.get()) return;
    model_.kept.push_back(
        {node.label(), node.op(), fmt::format("{} leaves it as it is, since {}", asked, because)});
  }

  Model& model_;
  Rewriter rewriter_;
  std::int64_t opset_;
  std::unordered_map<std::string_view, std::vector<const Row*>> rows_;  // by operator
  std::unordered_map<const Node*, std::string> part_of_;                // composites
  MadeConstants made_;
  bool changed_ = false;
};

}  // namespace

bool replace_operators(Model& model, Env& env) {
  return !env.replace.empty() && model.opset() > 0 && Replacer(model, env).run();
}

}  // namespace qprep
