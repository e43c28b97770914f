#include "opset/adaptation.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <fmt/format.h>

#include "opset/known_type.h"

namespace qprep {
namespace {

// The bits of the float16 nearest to `value`, ties to even.
std::uint16_t half_bits(float value) {
  const std::uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const float size = std::fabs(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>(sign | 0x7e00);
  if (size >= 65520.0F) return static_cast<std::uint16_t>(sign | 0x7c00);
  int bits = 0;
  if (size < 0x1p-14F) {
    bits = static_cast<int>(std::nearbyint(size * 0x1p24F));
  } else {
    int exponent = 0;
    const float fraction = std::frexp(size, &exponent);  // in [0.5, 1)
    bits = ((exponent + 14) << 10) + static_cast<int>(std::nearbyint(fraction * 2048.0F)) - 1024;
  }
  return static_cast<std::uint16_t>(sign | bits);
}

// The bits of the bfloat16 nearest to `value`, ties to even.
std::uint16_t bfloat16_bits(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>((bits >> 16) | 0x40);
  return static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

Type type_of(const Tensor& tensor) {
  Shape shape;
  for (const std::int64_t size : tensor.dims()) shape.push_back({size, ""});
  return Type::tensor(tensor.dtype(), std::move(shape));
}

}  // namespace

Type integers_type(std::size_t count) {
  return Type::tensor(DType::kInt64, Shape{{static_cast<std::int64_t>(count), ""}});
}

// -------------------------------------------------------------------------------------------- attributes

const Attribute* Adaptation::literal(std::string_view attribute) const {
  const Attribute* found = node_.attribute(attribute);
  if (found && !found->reference.empty()) {
    throw Refusal{
        fmt::format("its attribute '{}' is attribute '{}' of function '{}', whose value is not known",
                    attribute, found->reference, scope_.function ? scope_.function->name : ""),
        "export the model without functions, or at the newer opset"};
  }
  return found;
}

namespace {

template <typename T>
std::optional<T> value_of(const Attribute* attribute, std::string_view kind) {
  if (!attribute) return std::nullopt;
  if (const T* value = std::get_if<T>(&attribute->value)) return *value;
  throw Refusal{fmt::format("its attribute '{}' is not {}", attribute->name, kind), "correct the model"};
}

}  // namespace

std::optional<std::int64_t> Adaptation::integer(std::string_view attribute) const {
  return value_of<std::int64_t>(literal(attribute), "an integer");
}

std::optional<float> Adaptation::real(std::string_view attribute) const {
  return value_of<float>(literal(attribute), "a float");
}

std::optional<std::string> Adaptation::text(std::string_view attribute) const {
  return value_of<std::string>(literal(attribute), "a string");
}

std::optional<std::vector<std::int64_t>> Adaptation::integers(std::string_view attribute) const {
  return value_of<std::vector<std::int64_t>>(literal(attribute), "a list of integers");
}

std::optional<std::vector<float>> Adaptation::reals(std::string_view attribute) const {
  return value_of<std::vector<float>>(literal(attribute), "a list of floats");
}

Value* Adaptation::take_integers(std::string_view attribute) {
  const Attribute* found = node_.attribute(attribute);
  if (!found) return nullptr;
  // A Constant takes the list of a caller, if there is one.
  if (!found->reference.empty() && scope_.certain_attributes.contains(found->reference)) {
    Node& constant =
        node_.graph().insert(&node_, {.op = "Constant", .outputs = {name_with(std::string(attribute))}});
    constant.output(0).set_type(Type::tensor(DType::kInt64, Shape(1)));
    constant.add_attribute({"value_ints", std::monostate{}, found->reference, false});
    node_.erase_attribute(attribute);
    return &constant.output(0);
  }
  std::vector<std::int64_t> values = *integers(attribute);
  node_.erase_attribute(attribute);
  return &new_integers(std::string(attribute), std::move(values));
}

void Adaptation::rename_attribute(std::string_view from, const std::string& to) {
  const Attribute* found = node_.attribute(from);
  if (!found) return;
  const std::string reference = found->reference;
  if (reference.empty() && std::holds_alternative<std::monostate>(found->value)) {
    throw Refusal{fmt::format("its attribute '{}' is of a kind that it cannot be", from),
                  "correct the model"};
  }
  node_.add_attribute({to, node_.take_attribute(from), reference, false});
}

// ------------------------------------------------------------------------------------------------ inputs

Value& Adaptation::required_input(std::size_t i) const {
  if (Value* value = input(i)) return *value;
  throw Refusal{fmt::format("it lacks input {}", i), "correct the model"};
}

Value& Adaptation::required_output(std::size_t i) const {
  if (i < node_.output_count()) return node_.output(i);
  throw Refusal{fmt::format("it lacks output {}", i), "correct the model"};
}

std::size_t Adaptation::rank(std::size_t i) const {
  const Value& value = required_input(i);
  if (const std::optional<std::size_t> rank = known_type(value).rank) return *rank;
  throw Refusal{fmt::format("the rank of its input '{}' is not known", value.name()),
                "state the shapes of the graph's inputs, or export the model at the newer opset"};
}

DType Adaptation::dtype(std::size_t i) const {
  const Value& value = required_input(i);
  if (const DType dtype = known_type(value).dtype; dtype != DType::kUndefined) return dtype;
  throw Refusal{fmt::format("the element type of its input '{}' is not known", value.name()),
                "state the types of the graph's inputs, or export the model at the newer opset"};
}

const Tensor* Adaptation::constant(std::size_t i) const {
  if (!input(i) || input(i)->is_graph_input()) return nullptr;
  const Tensor* tensor = constant_of(*input(i));
  return tensor && tensor->dtype() != DType::kString ? tensor : nullptr;
}

void Adaptation::set_input(std::size_t i, Value* value) {
  while (node_.input_count() < i) node_.set_input(node_.input_count(), nullptr);
  node_.set_input(i, value);
}

void Adaptation::reshape_constant(std::size_t i, Dims dims) {
  Value& value = *input(i);
  const Tensor& old = *constant(i);
  Tensor reshaped(old.dtype(), std::move(dims), old.bytes(), old.owner());
  if (!value.has_single_use()) {
    node_.set_input(i, &constant_named(value.name(), std::move(reshaped)));
  } else if (value.initializer()) {
    value.graph().set_initializer(value, std::move(reshaped));
  } else {
    value.set_type(type_of(reshaped));
    value.producer()->set_attribute("value", std::move(reshaped));
  }
}

void Adaptation::truncate_inputs(std::size_t count) {
  for (std::size_t i = count; i < node_.input_count(); ++i) {
    if (input(i) && input(i)->initializer() && !input(i)->is_graph_input()) superfluous_.push_back(input(i));
  }
  node_.truncate_inputs(std::min(count, node_.input_count()));
}

// ------------------------------------------------------------------------------------- values and nodes

std::string Adaptation::name_with(const std::string& suffix) const {
  for (std::size_t i = 0; i < node_.output_count(); ++i) {
    if (!node_.output(i).name().empty()) return node_.output(i).name() + "_" + suffix;
  }
  return node_.label() + "_" + suffix;
}

Value& Adaptation::constant_named(const std::string& name, Tensor tensor) {
  Graph& graph = node_.graph();
  if (graph.holder() || !scope_.function) return graph.new_initializer(name, std::move(tensor));
  Node& constant = graph.insert(&node_, {.op = "Constant", .outputs = {name}});
  constant.output(0).set_type(type_of(tensor));
  constant.set_attribute("value", std::move(tensor));
  return constant.output(0);
}

Value& Adaptation::new_constant(const std::string& suffix, Tensor tensor) {
  return constant_named(name_with(suffix), std::move(tensor));
}

Value& Adaptation::new_integers(const std::string& suffix, std::vector<std::int64_t> values) {
  const Dims dims = {static_cast<std::int64_t>(values.size())};
  return new_constant(suffix, Tensor::int64s(dims, std::move(values)));
}

Value& Adaptation::new_scalar(const std::string& suffix, DType dtype, float value) {
  switch (dtype) {
    case DType::kFloat32:
      return new_constant(suffix, Tensor::scalar(value));
    case DType::kFloat64:
      return new_constant(suffix, Tensor::of<double>(dtype, {}, {static_cast<double>(value)}));
    case DType::kFloat16:
      return new_constant(suffix, Tensor::of<std::uint16_t>(dtype, {}, {half_bits(value)}));
    case DType::kBFloat16:
      return new_constant(suffix, Tensor::of<std::uint16_t>(dtype, {}, {bfloat16_bits(value)}));
    default:
      throw Refusal{fmt::format("its input is {}, which this operator did not accept", to_text(dtype)),
                    "correct the model"};
  }
}

Value& Adaptation::insert(Node* before, const std::string& op, std::vector<Value*> inputs,
                          const std::string& suffix, Type type, Attributes attributes) {
  Node& made =
      node_.graph().insert(before, {.op = op, .inputs = std::move(inputs), .outputs = {name_with(suffix)}});
  made_.push_back(&made);
  for (const auto& [name, value] : attributes) made.set_attribute(name, value);
  if (type.dtype != DType::kUndefined) made.output(0).set_type(std::move(type));
  return made.output(0);
}

Value& Adaptation::before(const std::string& op, std::vector<Value*> inputs, const std::string& suffix,
                          Type type, Attributes attributes) {
  return insert(&node_, op, std::move(inputs), suffix, std::move(type), attributes);
}

Value& Adaptation::after(const std::string& op, std::vector<Value*> inputs, const std::string& suffix,
                         Type type, Attributes attributes) {
  Node& last = after_.empty() ? node_ : *after_.back();
  Value& value = insert(&last, op, std::move(inputs), suffix, std::move(type), attributes);
  node_.graph().move(last, value.producer());  // last, then the new one
  after_.push_back(value.producer());
  return value;
}

void Adaptation::replace_output(std::size_t i, Value& value, const std::string& suffix) {
  Graph& graph = node_.graph();
  Value& old = required_output(i);
  const std::vector<Use> uses(old.uses().begin(), old.uses().end());
  for (const Use& use : uses) {
    if (std::find(after_.begin(), after_.end(), use.node) == after_.end())
      use.node->set_input(use.input, &value);
  }
  const std::string name = old.name();
  const std::string working_name = value.name();
  for (std::size_t at = 0; old.is_graph_output() && at < graph.outputs().size(); ++at) {
    if (graph.outputs()[at] == &old) graph.redirect_output(at, value);
  }
  const std::string interim_name = old.name();
  graph.rename(old, name + "_" + suffix);
  graph.set_name(value, name);
  if (interim_name != name) graph.names().values.release(interim_name);
  graph.names().values.release(working_name);
  value.set_type(old.type());
}

}  // namespace qprep
