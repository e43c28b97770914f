#include "passes/replace_operators.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>

#include "config/fusing.h"
#include "config/replacements.h"
#include "passes/composite_matcher.h"
#include "passes/fuse_lists.h"
#include "passes/group_units.h"
#include "passes/replacement_functions.h"
#include "support/codes.h"

namespace qprep {
namespace {

constexpr std::string_view kBatchNormToConv = "batch-norm-to-conv";

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
    Row{"max-to-relu", {"Max"}, replace::max_to_relu},
    Row{"reduce-mean-to-pool", {"ReduceMean"}, replace::reduce_mean_to_pool},
    Row{"reduce-to-kept-axes", {"ReduceMean", "ReduceMax", "ReduceSum"}, replace::reduce_to_kept_axes},
    Row{"matmul-to-one-rank", {"MatMul"}, replace::mat_mul_to_one_rank},
    Row{"concat-to-four-axes", {"Concat"}, replace::concat_to_four_axes},
    Row{"softmax-to-four-axes", {"Softmax"}, replace::softmax_to_four_axes},
    Row{"pool-to-global", {"AveragePool", "MaxPool"}, replace::pool_to_global},
    Row{"pad-to-conv", {"Pad"}, replace::pad_to_conv},
    Row{"conv-to-dilated", {"Conv"}, replace::conv_to_dilated},
    Row{"conv-transpose-to-conv", {"ConvTranspose"}, replace::conv_transpose_to_conv},
    Row{"gemm-to-conv", {"Gemm"}, replace::gemm_to_conv},
    Row{kBatchNormToConv, {"BatchNormalization"}, replace::batch_norm_to_conv},
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
  Replacer(Model& model, Env& env)
      : model_(model),
        diagnostics_(env.diagnostics),
        asked_for_(env.replace),
        rewriter_(model, env),
        opset_(model.opset()) {
    for (const Row& row : kRows) {
      if (!is_asked_for(row)) continue;
      for (const std::string_view op : row.ops) rows_[op].push_back(&row);
    }
    if (env.composites && env.op_classes) find_composites(env);
    const bool decides = env.fusion && env.composites && env.op_classes;
    if (decides && model.apart.empty()) model.apart = sequences_apart(model, env);
  }

  bool run() {
    for_each_graph(model_, [this](Graph& graph) {
      for (auto at = graph.nodes().begin(); at != graph.nodes().end();) {
        const auto before = at == graph.nodes().begin() ? graph.nodes().end() : std::prev(at);
        const Row* row = replaced_by(*at);
        changed_ = changed_ || row != nullptr;
        if (!row || row->spells_out || part_of_.contains(&*at)) {
          ++at;
        } else {  // what it was replaced by may be replaced in turn
          at = before == graph.nodes().end() ? graph.nodes().begin() : std::next(before);
        }
      }
    });
    rewriter_.finish();
    for (const Row& row : kRows) {
      if (is_asked_for(row) && !met_.contains(row.name)) model_.idle_replacements.emplace_back(row.name);
    }
    tell_of_batch_norms();
    return changed_;
  }

 private:
  static bool contains(const std::vector<std::string>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  }

  bool is_asked_for(const Row& row) const { return contains(asked_for_, row.name); }

  /// Those that are recognised later, too: with method eager, those that `fuse` lists.
  void find_composites(const Env& env) {
    const CompositeMatcher matcher(env.composites->patterns, *env.op_classes);
    std::optional<FuseLists> lists;
    if (env.fusing && env.fusing->eager) lists.emplace(model_, *env.fusing);
    const auto is_listed = [&](const CompositeMatch& match) { return lists->join(match.nodes); };
    for (const auto& match : matcher.find(model_, lists ? is_listed : CompositeMatcher::Wanted()).matches) {
      if (match.nodes.size() < 2) continue;
      for (const Node* node : match.nodes) part_of_.emplace(node, match.pattern);
    }
  }

  /// What replaced the node; null: it stays.
  const Row* replaced_by(Node& node) {
    if (!node.is_onnx_domain() || node.output_count() == 0) return nullptr;
    const auto rows = rows_.find(node.op());
    if (rows == rows_.end()) return nullptr;
    const auto part = part_of_.find(&node);
    const CompositePattern* whole = part == part_of_.end() ? nullptr : part->second;
    std::string because = hindrance(node, opset_);
    bool lacks_sizes = false;
    std::string_view asked = rows->second.front()->name;
    for (const Row* row : rows->second) {
      if (!because.empty()) break;
      const bool stays = whole && !contains(whole->replaceable, row->name);
      Replacing at(model_, rewriter_, made_, node, row->name, stays);
      Replaced result = row->run(at);
      if (stays && result.kind == Replaced::Kind::kYes) {
        result = Replaced::no(fmt::format("it is a part of {}, one unit as it is", whole->name));
      }
      if (result.kind != Replaced::Kind::kOther) met_.insert(row->name);
      if (result.kind == Replaced::Kind::kYes) {
        if (row->name == kBatchNormToConv) convs_.push_back(node.label());
        return row;
      }
      asked = row->name;
      because = std::move(result.because);
      lacks_sizes = result.lacks_sizes;
    }
    if (because.empty()) return nullptr;
    met_.insert(asked);
    model_.kept.push_back({node.label(), node.op(), std::string(asked), std::move(because), lacks_sizes});
    return nullptr;
  }

  /// What becomes of those that no layer took in.
  void tell_of_batch_norms() {
    std::vector<std::pair<std::string, std::vector<std::string>>> stay;  // for one reason
    for (const KeptNode& each : model_.kept) {
      if (each.replacement != kBatchNormToConv) continue;
      const std::string why = to_text(each);
      auto group =
          std::find_if(stay.begin(), stay.end(), [&](const auto& known) { return known.first == why; });
      if (group == stay.end()) group = stay.insert(group, {why, {}});
      group->second.push_back(each.label);
    }
    if (!convs_.empty())
      note(convs_, "becomes a Conv", "become a Conv each", fmt::format(", by {}", kBatchNormToConv));
    for (const auto& [because, labels] : stay) note(labels, "stays", "stay", ": " + because);
  }

  void note(const std::vector<std::string>& norms, std::string_view one, std::string_view several,
            std::string_view end) {
    const std::string others =
        norms.size() == 1 ? std::string(one) : fmt::format("and {} more {}", norms.size() - 1, several);
    diagnostics_.note(codes::kBatchNormStays, fmt::format("batch norm '{}' {}{}", norms.front(), others, end),
                      {model_.file});
  }

  Model& model_;
  Diagnostics& diagnostics_;
  const std::vector<std::string>& asked_for_;
  Rewriter rewriter_;
  std::int64_t opset_;
  std::unordered_map<std::string_view, std::vector<const Row*>> rows_;  // by operator
  std::unordered_map<const Node*, const CompositePattern*> part_of_;    // composites
  std::unordered_set<std::string_view> met_;                            // replacements that are for some node
  MadeConstants made_;
  std::vector<std::string> convs_;  // batch norms that became one
  bool changed_ = false;
};

}  // namespace

bool replace_operators(Model& model, Env& env) {
  return !env.replace.empty() && model.opset() > 0 && Replacer(model, env).run();
}

}  // namespace qprep
