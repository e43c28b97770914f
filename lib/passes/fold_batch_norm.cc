#include "passes/fold_batch_norm.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <span>
#include <string>
#include <unordered_set>

#include "config/fusing.h"
#include "passes/channel_affine.h"
#include "passes/constant_facts.h"
#include "passes/fuse_lists.h"
#include "passes/linear_layer.h"
#include "passes/number_affine.h"
#include "passes/rewriter.h"
#include "support/codes.h"
#include "support/without_names.h"

namespace qprep {
namespace {

using Because = std::string;  // a clause; empty: it was folded

Tensor floats(Dims dims, const std::vector<double>& values) {
  std::vector<float> rounded;
  for (const double value : values) rounded.push_back(static_cast<float>(value));
  return Tensor::floats(std::move(dims), std::move(rounded));
}

std::vector<double> applied(const ChannelAffine& affine, std::vector<double> values) {
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = affine.a[i] * values[i] + affine.b[i];
  return values;
}

constexpr std::string_view kTooLarge = "the folded weight would not be finite";
constexpr std::string_view kStaysForTraining = "; the models for training have it as it was (bn: with_bn)";
constexpr std::string_view kManyReaders = "more than one layer or an output uses it";
constexpr std::string_view kNoLayer = "no Conv, ConvTranspose, Gemm or MatMul stands there";
constexpr std::string_view kUsedElsewhere = "the tensor is used elsewhere too";
constexpr std::string_view kOnlyBehind = "with lists of 'fuse', only what stands behind a layer is folded";
constexpr std::string_view kNotListed = "'fuse' does not list it with the layer there";

/// The constant that an Add spreads over the channels (axis 1) of data of `rank`, one for each channel;
/// nullopt if it is not of that form.
std::optional<std::vector<double>> per_channel(const Tensor& tensor, std::size_t rank,
                                               std::int64_t channels) {
  if (tensor.dtype() != DType::kFloat32 || tensor.dims().size() > rank) return std::nullopt;
  const std::size_t lead = rank - tensor.dims().size();
  for (std::size_t i = 0; i < tensor.dims().size(); ++i) {
    const std::int64_t dim = tensor.dims()[i];
    if (dim != 1 && !(lead + i == 1 && dim == channels)) return std::nullopt;
  }
  std::vector<double> values;
  for (std::int64_t i = 0; i < channels; ++i) {
    values.push_back(static_cast<double>(tensor.at<float>(tensor.size() == 1 ? 0 : i)));
  }
  return values;
}

class BatchNormFolder {
 public:
  BatchNormFolder(Model& model, Env& env)
      : model_(model),
        env_(env),
        rewriter_(model, env),
        opset_(model.opset()),
        keeps_(env.fusing && env.fusing->batch_norms.value == BatchNorms::kKeep),
        nothing_is_fused_(env.fusing ? why_nothing_is_fused(*env.fusing) : Because()) {
    if (env.fusing && !env.fusing->fuses_all()) lists_.emplace(model, *env.fusing);
  }

  /// `only`, if given: no other node is looked at, and nothing is said of those that stay.
  bool run(const std::unordered_set<const Node*>* only = nullptr) {
    if (!only) model_.standing_norms.clear();
    for_each_graph(model_, [&](Graph& graph) {
      for (auto at = graph.nodes().begin(); at != graph.nodes().end();) {
        Node& node = *at;
        ++at;
        if (only && !only->contains(&node)) continue;
        if (node.is("BatchNormalization")) {
          visit(node);
        } else if (node.is("Mul")) {
          visit_scale(node);
        } else if (node.is("Add") && !visit_affine(node)) {
          visit_affine_in_front(node);
        }
      }
    });
    rewriter_.finish();
    if (!only) {
      say_who(stays_, codes::kBatchNormStays, "is folded into no layer", "are folded into no layer");
    }
    say_who(not_kept_, codes::kBatchNormFolded, "is folded, not kept for training",
            "are folded, not kept for training");
    return changed_;
  }

 private:
  struct Group {
    Because because;
    std::string first;
    std::size_t others = 0;
  };

  static void add_to(std::vector<Group>& groups, Because because, const std::string& label) {
    const std::string general = without_names(because);
    const auto at = std::find_if(groups.begin(), groups.end(),
                                 [&](const Group& group) { return without_names(group.because) == general; });
    if (at == groups.end()) {
      groups.push_back({std::move(because), label});
    } else {
      if (at->because != because) at->because = general;
      ++at->others;
    }
  }

  void say_who(const std::vector<Group>& groups, std::string_view code, std::string_view one,
               std::string_view several) {
    for (const Group& group : groups) {
      const std::string who = group.others > 0 ? fmt::format("' and {} more {}", group.others, several)
                                               : fmt::format("' {}", one);
      env_.diagnostics.note(code, fmt::format("batch norm '{}{}: {}", group.first, who, group.because),
                            {model_.file});
    }
  }

  void visit(Node& node) {
    const std::string label = node.label();
    const std::vector<Value*> inputs = node.inputs();
    const std::size_t gone = model_.gone.size();
    kept_now_ = false;
    layer_before_.clear();
    Because because = fold(node);
    if (because.empty()) {
      if (kept_now_ && model_.gone.size() > gone) model_.gone.back().because += kStaysForTraining;
      for (std::size_t i = 1; i < inputs.size(); ++i) rewriter_.took(*inputs[i]);
      changed_ = true;
      return;
    }
    tell(label, because);
    add_to(stays_, std::move(because), label);
  }

  /// A second run may find another reason.
  void tell(const std::string& label, const Because& because) {
    std::erase_if(model_.standing_norms, [&](const StandingNorm& each) { return each.label == label; });
    const bool foldable = because == kNotListed || is_for_that_line(because);
    model_.standing_norms.push_back({label, because, foldable, foldable ? layer_before_ : ""});
  }

  /// The configuration lets the node be folded into the layer.
  bool may_join(const Node& node, const Node& layer) const { return !lists_ || lists_->join(node, layer); }

  /// Given: the layer has its own constants still. Result: what it takes to write the batch norm behind it
  /// again; nullopt where that is not wanted, or cannot be.
  std::optional<KeptBatchNorm> as_it_is(const Node& norm, const LinearLayer& layer,
                                        const ChannelAffine& affine, KeptBatchNorm::Stood stood,
                                        const Tensor* constant = nullptr) {
    if (!keeps_) return std::nullopt;
    const auto unfit = std::count_if(affine.a.begin(), affine.a.end(), [](double factor) {
      return !std::isnormal(static_cast<float>(factor));
    });
    if (unfit > 0) {
      add_to(not_kept_, "the weight cannot be divided by a factor of zero again", norm.label());
      return std::nullopt;
    }
    KeptBatchNorm kept;
    kept.stood = stood;
    kept.name = norm.label();
    kept.epsilon = norm.float_or("epsilon", kept.epsilon);
    if (const float* momentum = norm.get<float>("momentum")) kept.momentum = *momentum;
    for (std::size_t i = 1; i <= 4; ++i) {
      kept.parameters.emplace_back(norm.input(i)->name(), *constant_of(*norm.input(i)));
    }
    const Node& node = layer.node();
    kept.weight = *constant_of(*node.input(1));
    if (node.input(2)) kept.bias = acting_bias(layer);
    if (constant) kept.constant = *constant;
    return kept;
  }

  /// The bias of the layer without a factor before it. Given: it has one.
  static Tensor acting_bias(const LinearLayer& layer) {
    const Tensor& bias = *constant_of(*layer.node().input(2));
    if (layer.node().float_or("beta", 1.0F) == 1.0F) return bias;
    return floats({layer.outputs()}, *layer.bias());
  }

  void keep(const Node& layer, std::optional<KeptBatchNorm> kept) {
    kept_now_ = kept.has_value();
    if (kept) model_.kept_batch_norms.emplace(&layer, *std::move(kept));
  }

  /// A layer with constants and what scales its result.
  struct Scaled {
    LinearLayer layer;
    std::size_t at;  // the input of the Mul that is the constant
    std::vector<double> factor;
    std::vector<double> bias;  // of the layer, times the factor; empty if it has none
  };

  /// layer(x) * constant of one number per channel, or one for all.
  std::optional<Scaled> scaled_by(Node& mul) const {
    if (opset_ < 7 || mul.input_count() != 2 || mul.output_count() != 1 || !mul.input(0) || !mul.input(1))
      return std::nullopt;
    const std::size_t at = constant_of(*mul.input(0)) ? 0 : 1;
    const Tensor* constant = constant_of(*mul.input(at));
    const Value& x = *mul.input(1 - at);
    Node* producer = x.producer();
    if (!constant || !producer || &producer->graph() != &mul.graph() || !x.has_single_use())
      return std::nullopt;
    auto found = LinearLayer::of(*producer);
    if (!std::holds_alternative<LinearLayer>(found)) return std::nullopt;
    LinearLayer& layer = std::get<LinearLayer>(found);
    auto factor = per_channel(*constant, layer.output_rank(), layer.outputs());
    if (!factor || !all_finite(*constant)) return std::nullopt;
    std::vector<double> bias;
    if (layer.has_bias()) {
      const auto own = layer.bias();
      if (!own) return std::nullopt;
      bias = applied({*factor, std::vector<double>(own->size(), 0.0)}, *own);
    }
    return Scaled{std::move(layer), at, *std::move(factor), std::move(bias)};
  }

  /// The scale of a batch norm that is written out. Its shift is an Add, which the layer's bias may be.
  void visit_scale(Node& mul) {
    std::optional<Scaled> scaled = scaled_by(mul);
    if (!scaled) return;
    Value& scale = *mul.input(scaled->at);
    // One number for all may be part of an activation function, and is no batch norm's.
    if (constant_of(scale)->size() < 2) return;
    if (const Because apart = kept_apart(mul, scaled->layer.node()); !apart.empty()) {
      return stands(mul, scaled->layer, apart);
    }
    if (!write(scaled->layer, scaled->layer.weight_times_outputs(scaled->factor), scaled->bias)) return;
    rewriter_.took(scale);
    rewriter_.bypass(mul, *mul.input(1 - scaled->at), scaled->layer.node());
    changed_ = true;
  }

  /// layer(x) * s + c with one number for all as s: a learnable affine block. An activation that begins so
  /// ends in a Clip, a Min or a Max (HardSigmoid). Result: it was that, and is folded or told of.
  bool visit_affine(Node& add) {
    if (add.input_count() != 2 || !add.input(0) || !add.input(1) || may_be_activation(add)) return false;
    const std::size_t at = constant_of(*add.input(0)) ? 0 : 1;
    Value& shift = *add.input(at);
    Value& product = *add.input(1 - at);
    Node* mul = product.producer();
    if (!constant_of(shift) || !mul || !mul->is("Mul") || &mul->graph() != &add.graph()) return false;
    if (!product.has_single_use()) return false;
    std::optional<Scaled> scaled = scaled_by(*mul);
    if (!scaled || !scaled->layer.has_bias()) return false;
    const LinearLayer& layer = scaled->layer;
    const auto shifts = per_channel(*constant_of(shift), layer.output_rank(), layer.outputs());
    if (!shifts) return false;
    for (const Node* node : {static_cast<const Node*>(mul), static_cast<const Node*>(&add)}) {
      if (const Because apart = kept_apart(*node, layer.node()); !apart.empty()) {
        stands(*mul, layer, apart);
        return true;
      }
    }
    for (std::size_t i = 0; i < shifts->size(); ++i) scaled->bias[i] += (*shifts)[i];
    if (!write(layer, layer.weight_times_outputs(scaled->factor), scaled->bias)) return false;
    rewriter_.took(*mul->input(scaled->at));
    rewriter_.took(shift);
    rewriter_.bypass(add, product, *mul);
    rewriter_.bypass(*mul, *mul->input(1 - scaled->at), layer.node());
    return changed_ = true;
  }

  /// layer(x * s + c) with one number for all as s and as c, which is not a part of another operator.
  void visit_affine_in_front(Node& add) {
    const std::optional<NumberAffine> affine = number_affine_of(add, opset_);
    if (!affine) return;
    const std::span<const Use> uses = add.output(0).uses();
    const auto use = std::ranges::find_if(uses, [&](const Use& each) {
      return each.input == 0 && &each.node->graph() == &add.graph() &&
             std::holds_alternative<LinearLayer>(LinearLayer::of(*each.node));
    });
    if (use == uses.end()) return;
    const LinearLayer layer = std::get<LinearLayer>(LinearLayer::of(*use->node));
    // Without them, the layer reads data of the same rank.
    if (affine->rank > (layer.node().is("MatMul") ? 1 : layer.output_rank())) return;
    Node& mul = *affine->mul;
    if (is_part(mul) || is_part(add)) return;
    if (!add.output(0).has_single_use()) return stands_in_front(mul, add, kManyReaders);
    const auto channels = static_cast<std::size_t>(layer.inputs());
    const Because because =
        fold_in_front(mul, layer, {std::vector(channels, affine->a), std::vector(channels, affine->b)});
    if (!because.empty()) return stands_in_front(mul, add, because);
    rewriter_.took(*mul.input(affine->scale));
    rewriter_.took(*add.input(affine->shift));
    rewriter_.bypass(add, mul.output(0), layer.node());
    rewriter_.bypass(mul, *mul.input(1 - affine->scale), layer.node());
    changed_ = true;
  }

  bool is_part(const Node& node) {
    if (!parts_) parts_ = parts_of_composites(model_, env_);
    return parts_->contains(node.label());
  }

  /// Why no layer before a scale of one number takes it in.
  Because why_not_before(const Node& mul) const {
    const Value& x = *mul.input(constant_of(*mul.input(0)) ? 1 : 0);
    const Node* producer = x.producer();
    if (!producer || &producer->graph() != &mul.graph() || !is_layer(*producer)) return Because(kNoLayer);
    if (!x.has_single_use()) return Because(kUsedElsewhere);
    return "the layer has no constant weight and bias that take it in";
  }

  void stands_in_front(const Node& mul, const Node& add, std::string_view because) {
    if (is_told(mul.label())) return;
    const bool foldable = because == kOnlyBehind || is_for_that_line(because);
    const Because before =
        foldable ? Because() : fmt::format("before it, {}; after it, ", why_not_before(mul));
    const Because written = fmt::format("written out as Mul and Add: {}{}", before, because);
    for (const Node* node : {&mul, &add}) model_.standing_norms.push_back({node->label(), written, foldable});
    add_to(stays_, written, mul.label());
  }

  /// A batch norm that is written out behind the layer stays: said of its Mul and of the Add of its shift.
  void stands(const Node& mul, const LinearLayer& layer, const Because& apart) {
    if (is_told(mul.label())) return;
    const Node* add = mul.output(0).has_single_use() ? mul.output(0).uses()[0].node : nullptr;
    if (add && !shifts_channels(*add, layer)) add = nullptr;
    const Because because = fmt::format("written out as Mul{}: {}", add ? " and Add" : "", apart);
    for (const Node* node : {&mul, add}) {
      if (node) model_.standing_norms.push_back({node->label(), because, true, layer.node().label()});
    }
    add_to(stays_, because, mul.label());
  }

  bool is_told(const std::string& label) const {
    return std::any_of(model_.standing_norms.begin(), model_.standing_norms.end(),
                       [&](const StandingNorm& each) { return each.label == label; });
  }

  static bool shifts_channels(const Node& add, const LinearLayer& layer) {
    if (!add.is("Add") || add.input_count() != 2 || !add.input(0) || !add.input(1)) return false;
    const Tensor* shift =
        constant_of(*add.input(0)) ? constant_of(*add.input(0)) : constant_of(*add.input(1));
    return shift && per_channel(*shift, layer.output_rank(), layer.outputs());
  }

  static bool may_be_activation(const Node& add) {
    const std::span<const Use> uses = add.output(0).uses();
    return std::any_of(uses.begin(), uses.end(), [](const Use& use) {
      return use.node->is("Clip") || use.node->is("Min") || use.node->is("Max");
    });
  }

  /// Where the configuration fuses nothing, what else keeps the node apart is said too: changing that line
  /// would change nothing then.
  Because fold(Node& node) {
    Because because = try_to_fold(node);
    if (nothing_is_fused_.empty() || is_for_that_line(because)) return because;
    return fmt::format("{}; {}", because, nothing_is_fused_);
  }

  /// Why the configuration keeps the node apart from a layer that could take it in; empty: it does not.
  Because kept_apart(const Node& node, const Node& layer) const {
    if (nothing_is_fused_.empty()) return may_join(node, layer) ? Because() : Because(kNotListed);
    return fmt::format("{}; without that line it would be folded into {} '{}'", nothing_is_fused_, layer.op(),
                       layer.label());
  }
  bool is_for_that_line(std::string_view because) const {
    return !nothing_is_fused_.empty() && because.starts_with(nothing_is_fused_);
  }

  Because try_to_fold(Node& node) {
    if (!node.input(0) || node.output_count() == 0) return "it has no input or output";
    const std::variant<ChannelAffine, Because> known = channel_affine_of(node, opset_);
    if (const auto* because = std::get_if<Because>(&known)) return *because;
    const ChannelAffine& affine = std::get<ChannelAffine>(known);
    const Because before = fold_into_producer(node, affine);
    if (before.empty()) return {};
    if (is_for_that_line(before) || (lists_ && nothing_is_fused_.empty())) return before;
    const Because after = fold_into_reader(node, affine);
    if (after.empty() || is_for_that_line(after)) return after;
    if (before == after) return fmt::format("before and after it, {}", before);
    return fmt::format("before it, {}; after it, {}", before, after);
  }

  // ---------------------------------------------------------------------------------- the layer that makes x

  Because fold_into_producer(Node& norm, const ChannelAffine& affine) {
    Value& x = *norm.input(0);
    Node* producer = x.producer();
    if (!producer || &producer->graph() != &norm.graph()) {
      return Because(kNoLayer);
    }
    if (!x.has_single_use()) return Because(kUsedElsewhere);
    if (producer->is("Add")) return fold_through_add(norm, *producer, affine);
    if (const Node* layer =
            moves_elements(*producer) && producer->input(0) ? producer->input(0)->producer() : nullptr;
        layer && is_layer(*layer)) {
      return between(*producer, *layer);
    }
    auto found = LinearLayer::of(*producer);
    if (auto* because = std::get_if<std::string>(&found)) return *because;
    const LinearLayer& layer = std::get<LinearLayer>(found);
    if (Because because = misfit(layer, affine); !because.empty()) return because;
    const auto bias = layer.bias();
    if (layer.has_bias() && !bias) return "the bias there is not constant float32 per channel";
    if (Because apart = kept_apart(norm, *producer); !apart.empty()) {
      layer_before_ = producer->label();
      return apart;
    }
    if (!layer.has_bias()) return fold_into_matmul(norm, layer, affine);
    auto kept = as_it_is(norm, layer, affine, KeptBatchNorm::Stood::kBehindLayer);
    if (!write(layer, layer.weight_times_outputs(affine.a), applied(affine, *bias)))
      return Because(kTooLarge);
    keep(*producer, std::move(kept));
    rewriter_.bypass(norm, x, *producer);
    return {};
  }

  static bool moves_elements(const Node& node) {
    return node.is("Transpose") || node.is("Reshape") || node.is("Flatten") || node.is("Squeeze") ||
           node.is("Unsqueeze");
  }
  static bool is_layer(const Node& node) {
    return node.is("Conv") || node.is("ConvTranspose") || node.is("Gemm") || node.is("MatMul");
  }
  static Because between(const Node& mover, const Node& layer) {
    return fmt::format("{} '{}' stands between it and {} '{}'", mover.op(), mover.label(), layer.op(),
                       layer.label());
  }

  /// layer(x) + constant: the layer takes the factor, the constant the shift.
  Because fold_through_add(Node& norm, Node& add, const ChannelAffine& affine) {
    const Because no_layer(kNoLayer);
    if (opset_ < 7 || !add.input(0) || !add.input(1)) return no_layer;
    const std::size_t at = constant_of(*add.input(0)) ? 0 : 1;
    const Tensor* constant = constant_of(*add.input(at));
    const Value& data = *add.input(1 - at);
    Node* producer = data.producer();
    if (!constant || !producer || !data.has_single_use() || &producer->graph() != &norm.graph())
      return no_layer;
    auto found = LinearLayer::of(*producer);
    if (auto* because = std::get_if<std::string>(&found)) return *because;
    const LinearLayer& layer = std::get<LinearLayer>(found);
    if (Because because = misfit(layer, affine); !because.empty()) return because;
    const auto shift = per_channel(*constant, layer.output_rank(), layer.outputs());
    if (!shift) return "what is added there is not one constant per channel";

    std::vector<double> bias;
    if (layer.has_bias()) {
      const auto own = layer.bias();
      if (!own) return "the bias there is not constant float32 per channel";
      bias = applied({affine.a, std::vector<double>(own->size(), 0.0)}, *own);
    }
    if (Because apart = kept_apart(norm, *producer); !apart.empty()) return apart;
    Dims dims = constant->dims();
    if (constant->size() != layer.outputs()) {
      dims.assign(layer.output_rank() - 1, 1);
      dims[0] = layer.outputs();
    }
    Tensor shifted = floats(std::move(dims), applied(affine, *shift));
    auto kept = as_it_is(norm, layer, affine, KeptBatchNorm::Stood::kBehindConstant, constant);
    if (!all_finite(shifted) || !write(layer, layer.weight_times_outputs(affine.a), bias))
      return Because(kTooLarge);
    rewriter_.replace_constant(add, at, std::move(shifted));
    keep(*producer, std::move(kept));
    rewriter_.bypass(norm, *norm.input(0), *producer);
    return {};
  }

  Because misfit(const LinearLayer& layer, const ChannelAffine& affine) const {
    if (layer.outputs() != affine.channels()) return "the layer has another number of channels";
    // Of a matrix product, the channels are axis 1 only if its result is a matrix.
    if (layer.node().is("MatMul") && layer.node().input(0)->type().rank() != 2) {
      return "the product is not known to be a matrix";
    }
    return {};
  }

  /// A MatMul has no bias: the batch norm's node goes on as the Add of the shift.
  Because fold_into_matmul(Node& norm, const LinearLayer& layer, const ChannelAffine& affine) {
    Tensor shift = floats({affine.channels()}, affine.b);
    const std::string name = norm.input(2)->name();
    auto kept = as_it_is(norm, layer, affine, KeptBatchNorm::Stood::kAsAdd);
    if (!all_finite(shift) || !write(layer, layer.weight_times_outputs(affine.a), {}))
      return Because(kTooLarge);
    if (!affine.shifts() && rewriter_.bypass(norm, *norm.input(0), layer.node())) {
      if (kept) kept->stood = KeptBatchNorm::Stood::kBehindLayer;
      keep(layer.node(), std::move(kept));
      return {};
    }
    keep(layer.node(), std::move(kept));
    rewriter_.become_add(norm, name, std::move(shift));
    return {};
  }

  // ---------------------------------------------------------------------------------- the layer that reads y

  Because fold_into_reader(Node& norm, const ChannelAffine& affine) {
    const Value& y = norm.output(0);
    if (!y.has_single_use()) return Because(kManyReaders);
    const Use use = y.uses()[0];
    if (&use.node->graph() != &norm.graph() || use.input != 0) {
      return "no Conv, ConvTranspose, Gemm or MatMul takes it as its data";
    }
    if (moves_elements(*use.node)) {
      for (const Use& next : use.node->output(0).uses()) {
        if (is_layer(*next.node)) return between(*use.node, *next.node);
      }
    }
    auto found = LinearLayer::of(*use.node);
    if (auto* because = std::get_if<std::string>(&found)) return *because;
    const LinearLayer& layer = std::get<LinearLayer>(found);
    if (layer.inputs() != affine.channels()) return "the layer has another number of channels";
    const bool channels_last =
        layer.node().is("MatMul") ? y.type().rank() == 2 : use.node->int_or("transA", 0) == 0;
    if (!layer.is_convolution() && !channels_last)
      return "the data are not known to be a matrix with channels last";
    if (Because because = fold_in_front(norm, layer, affine); !because.empty()) return because;
    if (keeps_) add_to(not_kept_, "it stands in front of the layer that takes it in", norm.label());
    rewriter_.bypass(norm, *norm.input(0), *use.node);
    return {};
  }

  /// Result: the layer takes in what `node` does to the data that it reads, and does not read it itself yet.
  Because fold_in_front(const Node& node, const LinearLayer& layer, const ChannelAffine& affine) {
    std::vector<double> bias;
    if (affine.shifts() && !layer.has_bias()) return "the MatMul has no bias to take the shift";
    if (affine.shifts() && !layer.sees_whole_weight()) {
      return layer.node().is("Conv")
                 ? "the layer pads with zeros, which the shift would not reach"
                 : "the layer's border sees less than its kernel, and would get another shift";
    }
    if (layer.has_bias()) {
      const auto own = layer.bias();
      if (!own) return "the bias there is not constant float32 per channel";
      bias = *own;
      const std::vector<double> response = layer.response_to(affine.b);
      for (std::size_t i = 0; i < bias.size(); ++i) bias[i] += response[i];
    }
    if (!nothing_is_fused_.empty()) return kept_apart(node, layer.node());
    if (lists_) return Because(kOnlyBehind);
    if (!write(layer, layer.weight_times_inputs(affine.a), bias)) return Because(kTooLarge);
    return {};
  }

  /// False, nothing changed: an element would not be finite. An empty bias, or one of zeros where there is
  /// none, is not written.
  bool write(const LinearLayer& layer, Tensor weight, const std::vector<double>& bias) {
    Node& node = layer.node();
    Dims dims = {static_cast<std::int64_t>(bias.size())};
    const Value* old = node.input(2);
    if (old && !bias.empty() && constant_of(*old)->size() == dims[0]) dims = constant_of(*old)->dims();
    Tensor written = floats(std::move(dims), bias);
    if (!all_finite(weight) || !all_finite(written)) return false;
    model_.kept_batch_norms.erase(&node);  // only the last one behind a layer is kept
    const std::string name = node.input(1)->name() + "_bias";
    rewriter_.replace_constant(node, 1, std::move(weight));
    const bool is_zero = std::all_of(bias.begin(), bias.end(), [](double each) { return each == 0.0; });
    if (old && !bias.empty()) {
      rewriter_.replace_constant(node, 2, std::move(written));
      node.erase_attribute("beta");
    } else if (!is_zero) {
      rewriter_.set_input(node, 2, &rewriter_.new_constant(node, name, std::move(written)));
      node.erase_attribute("beta");
    }
    return true;
  }

  Model& model_;
  Env& env_;
  Rewriter rewriter_;
  std::int64_t opset_;
  bool keeps_;
  Because nothing_is_fused_;
  bool kept_now_ = false;
  std::string layer_before_;        // the label of the one that the configuration keeps apart from the norm
  std::optional<FuseLists> lists_;  // what may be fused; nullopt: everything
  std::vector<Group> stays_, not_kept_;
  std::optional<std::unordered_set<std::string>> parts_;  // of composites; nullopt: nobody asked
  bool changed_ = false;
};

}  // namespace

bool fold_batch_norms(Model& model, Env& env, const std::unordered_set<const Node*>& only) {
  return BatchNormFolder(model, env).run(&only);
}

bool fold_batch_norm(Model& model, Env& env) { return BatchNormFolder(model, env).run(); }

}  // namespace qprep
