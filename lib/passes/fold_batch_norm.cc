#include "passes/fold_batch_norm.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "passes/channel_affine.h"
#include "passes/constant_facts.h"
#include "passes/linear_layer.h"
#include "passes/rewriter.h"
#include "support/codes.h"

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
      : model_(model), env_(env), rewriter_(model, env), opset_(model.opset()) {}

  bool run() {
    for_each_graph(model_, [this](Graph& graph) {
      for (auto at = graph.nodes().begin(); at != graph.nodes().end();) {
        Node& node = *at;
        ++at;
        if (node.is("BatchNormalization")) {
          visit(node);
        } else if (node.is("Mul")) {
          visit_scale(node);
        }
      }
    });
    rewriter_.finish();
    for (const Stay& stay : stays_) {
      const std::string who = stay.others > 0 ? fmt::format("' and {} more stay", stay.others) : "' stays";
      env_.diagnostics.note(codes::kBatchNormStays,
                            fmt::format("batch norm '{}{}: {}", stay.first, who, stay.because),
                            {model_.file});
    }
    return changed_;
  }

 private:
  struct Stay {
    Because because;
    std::string first;
    std::size_t others = 0;
  };

  void visit(Node& node) {
    const std::string label = node.label();
    const std::vector<Value*> inputs = node.inputs();
    Because because = fold(node);
    if (because.empty()) {
      for (std::size_t i = 1; i < inputs.size(); ++i) rewriter_.took(*inputs[i]);
      changed_ = true;
      return;
    }
    const auto at =
        std::find_if(stays_.begin(), stays_.end(), [&](const Stay& stay) { return stay.because == because; });
    if (at == stays_.end()) {
      stays_.push_back({std::move(because), label});
    } else {
      ++at->others;
    }
  }

  /// layer(x) * constant of one number per channel: the scale of a batch norm that is written out. Its shift
  /// is an Add, which the layer's bias may be.
  void visit_scale(Node& mul) {
    if (opset_ < 7 || mul.input_count() != 2 || mul.output_count() != 1 || !mul.input(0) || !mul.input(1))
      return;
    const std::size_t at = constant_of(*mul.input(0)) ? 0 : 1;
    Value& scale = *mul.input(at);
    Value& x = *mul.input(1 - at);
    Node* producer = x.producer();
    if (!constant_of(scale) || !producer || &producer->graph() != &mul.graph() || !x.has_single_use()) return;
    const auto found = LinearLayer::of(*producer);
    if (!std::holds_alternative<LinearLayer>(found)) return;
    const LinearLayer& layer = std::get<LinearLayer>(found);
    const Tensor& constant = *constant_of(scale);
    const auto factor = per_channel(constant, layer.output_rank(), layer.outputs());
    // One number for all may be part of an activation function, and is no batch norm's.
    if (!factor || constant.size() < 2 || !all_finite(constant)) return;
    std::vector<double> bias;
    if (layer.has_bias()) {
      const auto own = layer.bias();
      if (!own) return;
      bias = applied({*factor, std::vector<double>(own->size(), 0.0)}, *own);
    }
    if (!write(layer, layer.weight_times_outputs(*factor), bias)) return;
    rewriter_.took(scale);
    rewriter_.bypass(mul, x, producer);
    changed_ = true;
  }

  Because fold(Node& node) {
    if (!node.input(0) || node.output_count() == 0) return "it has no input or output";
    const std::variant<ChannelAffine, Because> known = channel_affine_of(node, opset_);
    if (const auto* because = std::get_if<Because>(&known)) return *because;
    const ChannelAffine& affine = std::get<ChannelAffine>(known);
    const Because before = fold_into_producer(node, affine);
    if (before.empty()) return {};
    const Because after = fold_into_reader(node, affine);
    if (after.empty()) return {};
    if (before == after) return fmt::format("before and after it, {}", before);
    return fmt::format("before it, {}; after it, {}", before, after);
  }

  // ---------------------------------------------------------------------------------- the layer that makes x

  Because fold_into_producer(Node& norm, const ChannelAffine& affine) {
    Value& x = *norm.input(0);
    Node* producer = x.producer();
    if (!producer || &producer->graph() != &norm.graph()) {
      return "no Conv, ConvTranspose, Gemm or MatMul stands there";
    }
    if (!x.has_single_use()) return "the tensor is used elsewhere too";
    if (producer->is("Add")) return fold_through_add(norm, *producer, affine);
    auto found = LinearLayer::of(*producer);
    if (auto* because = std::get_if<std::string>(&found)) return *because;
    const LinearLayer& layer = std::get<LinearLayer>(found);
    if (Because because = misfit(layer, affine); !because.empty()) return because;
    if (!layer.has_bias()) return fold_into_matmul(norm, layer, affine);

    const auto bias = layer.bias();
    if (!bias) return "the bias there is not constant float32 per channel";
    if (!write(layer, layer.weight_times_outputs(affine.a), applied(affine, *bias)))
      return Because(kTooLarge);
    rewriter_.bypass(norm, x, producer);
    return {};
  }

  /// layer(x) + constant: the layer takes the factor, the constant the shift.
  Because fold_through_add(Node& norm, Node& add, const ChannelAffine& affine) {
    const Because no_layer = "no Conv, ConvTranspose, Gemm or MatMul stands there";
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
    Dims dims = constant->dims();
    if (constant->size() != layer.outputs()) {
      dims.assign(layer.output_rank() - 1, 1);
      dims[0] = layer.outputs();
    }
    Tensor shifted = floats(std::move(dims), applied(affine, *shift));
    if (!all_finite(shifted) || !write(layer, layer.weight_times_outputs(affine.a), bias))
      return Because(kTooLarge);
    rewriter_.replace_constant(add, at, std::move(shifted));
    rewriter_.bypass(norm, *norm.input(0), producer);
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
    if (!all_finite(shift) || !write(layer, layer.weight_times_outputs(affine.a), {}))
      return Because(kTooLarge);
    if (!affine.shifts() && rewriter_.bypass(norm, *norm.input(0), &layer.node())) return {};
    rewriter_.become_add(norm, name, std::move(shift));
    return {};
  }

  // ---------------------------------------------------------------------------------- the layer that reads y

  Because fold_into_reader(Node& norm, const ChannelAffine& affine) {
    const Value& y = norm.output(0);
    if (!y.has_single_use()) return "more than one layer or an output uses it";
    const Use use = y.uses()[0];
    if (&use.node->graph() != &norm.graph() || use.input != 0) {
      return "no Conv, ConvTranspose, Gemm or MatMul takes it as its data";
    }
    auto found = LinearLayer::of(*use.node);
    if (auto* because = std::get_if<std::string>(&found)) return *because;
    const LinearLayer& layer = std::get<LinearLayer>(found);
    if (layer.inputs() != affine.channels()) return "the layer has another number of channels";
    const bool channels_last =
        layer.node().is("MatMul") ? y.type().rank() == 2 : use.node->int_or("transA", 0) == 0;
    if (!layer.is_convolution() && !channels_last)
      return "the data are not known to be a matrix with channels last";
    std::vector<double> bias;
    if (affine.shifts() && !layer.has_bias()) return "the MatMul has no bias to take the shift";
    if (affine.shifts() && !layer.sees_whole_weight()) return "the layer's border would see another shift";
    if (layer.has_bias()) {
      const auto own = layer.bias();
      if (!own) return "the bias there is not constant float32 per channel";
      bias = *own;
      const std::vector<double> response = layer.response_to(affine.b);
      for (std::size_t i = 0; i < bias.size(); ++i) bias[i] += response[i];
    }
    if (!write(layer, layer.weight_times_inputs(affine.a), bias)) return Because(kTooLarge);
    rewriter_.bypass(norm, *norm.input(0), use.node);
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
  std::vector<Stay> stays_;
  bool changed_ = false;
};

}  // namespace

bool fold_batch_norm(Model& model, Env& env) { return BatchNormFolder(model, env).run(); }

}  // namespace qprep
