#include "passes/insert_preprocessing.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <utility>

#include "quant/pixel_affine.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

constexpr std::size_t kRank = 4;
using Axes = std::vector<std::int64_t>;
const Axes kToNchw = {0, 3, 1, 2};
const Axes kToNhwc = {0, 2, 3, 1};

Type permuted(const Type& type, const Axes& axes) {
  Shape shape;
  for (const std::int64_t axis : axes) shape.push_back(type.shape->at(static_cast<std::size_t>(axis)));
  return Type::tensor(type.dtype, std::move(shape));
}

/// The inputs that a caller must feed.
std::vector<Value*> fed_inputs(const Model& model) {
  std::vector<Value*> inputs;
  for (Value* input : model.graph->inputs()) {
    if (!input->initializer()) inputs.push_back(input);
  }
  return inputs;
}

class Inserter {
 public:
  Inserter(Model& model, Diagnostics& diagnostics)
      : graph_(*model.graph), inputs_(fed_inputs(model)), diagnostics_(diagnostics) {
    if (!graph_.nodes().empty()) first_ = &graph_.nodes().front();
  }

  std::vector<PreparedInput> run(std::span<const InputPreprocessing> specs) {
    std::vector<PreparedInput> prepared;
    if (!check_names(specs)) return prepared;
    for (std::size_t i = 0; i < specs.size(); ++i) {
      Value* value = specs[i].input.empty() ? inputs_[i] : called(specs[i].input);
      PreparedInput input{specs[i], value, {}};
      if (!fix_shape(input)) continue;
      input.sample = value->type();
      if (!insert(input)) continue;
      prepared.push_back(std::move(input));
    }
    return prepared;
  }

 private:
  bool wrong(std::string message, const Where& where) {
    diagnostics_.error(codes::kPreprocessing, std::move(message), where);
    return false;
  }

  Value* called(const std::string& name) const {
    const auto at = std::find_if(inputs_.begin(), inputs_.end(),
                                 [&](const Value* input) { return input->name() == name; });
    return at == inputs_.end() ? nullptr : *at;
  }

  bool check_names(std::span<const InputPreprocessing> specs) {
    std::vector<std::string> names;
    for (const Value* input : inputs_) names.push_back(input->name());
    const Where& where = specs.front().where;
    if (specs.size() != inputs_.size()) {
      return wrong(fmt::format("the configuration speaks of {} inputs, and the model has {}: {}",
                               specs.size(), names.size(), join(names, ", ")),
                   where);
    }
    bool right = true;
    for (const InputPreprocessing& spec : specs) {
      if (spec.input.empty() || called(spec.input)) continue;
      right = wrong(fmt::format("the model has no input '{}'{}; it has {}", spec.input,
                                did_you_mean(spec.input, names), join(names, ", ")),
                    spec.where);
    }
    return right;
  }

  bool fix_shape(PreparedInput& input) {
    if (!input.spec.shape) return true;
    const Dims& dims = *input.spec.shape;
    Type type = input.value->type();
    bool fits = type.kind == Type::Kind::kTensor && (!type.shape || type.shape->size() == dims.size());
    for (std::size_t i = 0; fits && type.shape && i < dims.size(); ++i) {
      const Dim& dim = type.shape->at(i);
      fits = !dim.known() || dim.size == dims[i];
    }
    if (!fits) {
      return wrong(fmt::format("'input_shape' is {}, and the model's input '{}' is {}", fmt::join(dims, "x"),
                               input.value->name(), to_text(type)),
                   input.spec.where);
    }
    Shape shape;
    for (const std::int64_t size : dims) shape.push_back({size, {}});
    type.shape = std::move(shape);
    input.value->set_type(std::move(type));
    return true;
  }

  /// Result: false: it cannot be, and that was said.
  bool insert(const PreparedInput& input) {
    const InputPreprocessing& spec = input.spec;
    const bool plain = !spec.is_picture() && spec.mean.empty() && spec.scale.empty();
    if (plain && spec.trained_nhwc == spec.fed_nhwc) return true;
    const Type& type = input.value->type();
    if (type.rank() != kRank || !type.is_tensor_of(DType::kFloat32)) {
      return wrong(fmt::format("the model's input '{}' is {}; a preprocessing ({} for {}) needs float32 and "
                               "four axes",
                               input.value->name(), to_text(type), spec.fed_word,
                               spec.is_picture() ? "pictures" : "mean, scale or layout"),
                   spec.where);
    }
    if (!plain && !check_channels(input)) return false;
    const std::vector<Use> readers(input.value->uses().begin(), input.value->uses().end());
    Value* present = insert_nodes(input, plain);
    for (const Use& use : readers) use.node->set_input(use.input, present);
    return true;
  }

  static const Dim& channels_of(const PreparedInput& input) {
    return input.value->type().shape->at(input.spec.trained_nhwc ? 3 : 1);
  }

  bool check_channels(const PreparedInput& input) {
    const InputPreprocessing& spec = input.spec;
    const Dim& channels = channels_of(input);
    const std::int64_t wanted = !spec.is_picture() ? channels.size : spec.trained == Colour::kGray ? 1 : 3;
    const bool listed = std::max(spec.mean.size(), spec.scale.size()) > 1;
    const std::size_t numbers = std::max(spec.mean.size(), spec.scale.size());
    if (channels.known() && channels.size == wanted &&
        (!listed || static_cast<std::int64_t>(numbers) == wanted)) {
      return true;
    }
    return wrong(fmt::format("the model's input '{}' is {}, which has no {} channels where the layout {} has "
                             "them",
                             input.value->name(), to_text(input.value->type()),
                             spec.is_picture() ? std::to_string(wanted) : std::to_string(numbers),
                             spec.trained_nhwc ? "NHWC" : "NCHW"),
                 spec.where);
  }

  Value* insert_nodes(const PreparedInput& input, bool plain) {
    const InputPreprocessing& spec = input.spec;
    Value& value = *input.value;
    const Type sample = value.type();
    const Type nchw = spec.trained_nhwc ? permuted(sample, kToNchw) : sample;
    value.set_type(spec.fed_nhwc ? permuted(nchw, kToNhwc) : nchw);
    Value* present = &value;
    if (spec.fed_nhwc) present = transpose(*present, value.name(), kToNchw, nchw);
    if (!plain) present = convolve(*present, value.name(), spec, nchw);
    if (spec.trained_nhwc) present = transpose(*present, value.name(), kToNhwc, sample);
    return present;
  }

  Value* transpose(Value& data, const std::string& input, const Axes& axes, const Type& type) {
    const std::string layout = axes == kToNchw ? "nchw" : "nhwc";
    Node& node = graph_.insert(first_, {.op = "Transpose",
                                        .inputs = {&data},
                                        .outputs = {fmt::format("{}_{}", input, layout)},
                                        .name = fmt::format("HzPreprocess_{}_{}", input, layout)});
    node.set_attribute("perm", axes);
    node.output(0).set_type(type);
    return &node.output(0);
  }

  Value* convolve(Value& data, const std::string& input, const InputPreprocessing& spec, const Type& type) {
    const auto channels = static_cast<std::size_t>(type.shape->at(1).size);
    const PixelAffine affine = preprocessing_of(spec, channels);
    const bool by_channel = affine.is_diagonal();
    std::vector<float> weights, bias(affine.offset.begin(), affine.offset.end());
    for (std::size_t i = 0; i < affine.matrix.size(); ++i) {
      if (!by_channel || i / channels == i % channels)
        weights.push_back(static_cast<float>(affine.matrix[i]));
    }
    const auto count = static_cast<std::int64_t>(channels);
    Value& weight =
        graph_.new_initializer(fmt::format("HzPreprocess_{}_weight", input),
                               Tensor::floats({count, by_channel ? 1 : count, 1, 1}, std::move(weights)));
    Value& offset = graph_.new_initializer(fmt::format("HzPreprocess_{}_bias", input),
                                           Tensor::floats({count}, std::move(bias)));
    Node& node = graph_.insert(first_, {.op = "Conv",
                                        .inputs = {&data, &weight, &offset},
                                        .outputs = {input + "_preprocessed"},
                                        .name = "HzPreprocess_" + input});
    node.set_attribute("kernel_shape", Axes{1, 1});
    if (by_channel) node.set_attribute("group", count);
    node.output(0).set_type(type);
    return &node.output(0);
  }

  Graph& graph_;
  std::vector<Value*> inputs_;
  Diagnostics& diagnostics_;
  Node* first_ = nullptr;
};

}  // namespace

std::vector<PreparedInput> insert_preprocessing(Model& model, std::span<const InputPreprocessing> specs,
                                                Diagnostics& diagnostics) {
  if (specs.empty()) return {};
  return Inserter(model, diagnostics).run(specs);
}

}  // namespace qprep
