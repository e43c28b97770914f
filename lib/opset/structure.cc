#include <fmt/format.h>

#include "opset/adapters.h"

namespace qprep::adapters {
namespace {

// The one number that input i is: version 1 of Tile and Split took counts of the data's element type.
std::optional<std::int64_t> constant_integer(const Adaptation& a, std::size_t i) {
  const Tensor* tensor = a.constant(i);
  if (!tensor || tensor->size() != 1) return std::nullopt;
  if (tensor->dtype() == DType::kFloat32) return static_cast<std::int64_t>(tensor->at<float>(0));
  if (tensor->dtype() == DType::kFloat64) return static_cast<std::int64_t>(tensor->at<double>(0));
  const std::optional<std::vector<std::int64_t>> integers = tensor->to_int64s();
  return integers ? std::optional(integers->front()) : std::nullopt;
}

// [1, channels / groups], computed where the model runs if the channels are not known.
Value& group_repeats(Adaptation& a, std::int64_t groups) {
  const Value& x = a.required_input(0);
  if (x.type().rank().value_or(0) > 1 && (*x.type().shape)[1].known()) {
    return a.new_integers("repeats", {1, (*x.type().shape)[1].size / groups});
  }
  Value& shape = a.before("Shape", {a.input(0)}, "shape", Type::tensor(DType::kInt64, Shape(1)));
  Value& axis = a.new_integers("channel_axis", {1});
  Value& channels = a.before("Gather", {&shape, &axis}, "channels", integers_type(1));
  Value& count = a.new_integers("groups", {groups});
  Value& each = a.before("Div", {&channels, &count}, "group_size", integers_type(1));
  Value& one = a.new_integers("one", {1});
  return a.before("Concat", {&one, &each}, "repeats", integers_type(2), {{"axis", 0}});
}

}  // namespace

void tile_axis_to_repeats(Adaptation& a) {
  const std::optional<std::int64_t> tiles = constant_integer(a, 1);
  const std::optional<std::int64_t> axis = constant_integer(a, 2);
  if (!tiles || !axis) {
    throw Refusal{"its inputs 'tiles' and 'axis' are not constants", "export the model at opset 6 or newer"};
  }
  const auto rank = static_cast<std::int64_t>(a.rank(0));
  const std::int64_t at = *axis < 0 ? *axis + rank : *axis;
  if (at < 0 || at >= rank) {
    throw Refusal{fmt::format("its input 'axis' is {}, but the rank is {}", *axis, rank),
                  "correct the model"};
  }
  std::vector<std::int64_t> repeats(static_cast<std::size_t>(rank), 1);
  repeats[static_cast<std::size_t>(at)] = *tiles;
  a.truncate_inputs(1);
  a.set_input(1, &a.new_integers("repeats", std::move(repeats)));
}

void split_input_to_attribute(Adaptation& a) {
  if (!a.has("axis")) {
    throw Refusal{"it states no axis, and version 1 has no default", "state the axis in the model"};
  }
  if (a.input(1)) {
    const Tensor* lengths = a.constant(1);
    std::optional<std::vector<std::int64_t>> split;
    if (lengths && lengths->dtype() == DType::kFloat32) {
      const std::vector<float> values = lengths->to_vector<float>();
      split.emplace(values.begin(), values.end());
    } else if (lengths) {
      split = lengths->to_int64s();
    }
    if (!split) throw Refusal{"its input 'split' is not a constant", "export the model at opset 13 or newer"};
    a.node().set_attribute("split", std::move(*split));
  }
  a.truncate_inputs(1);
}

void state_split_count(Adaptation& a) {
  if (!a.input(1)) a.node().set_attribute("num_outputs", static_cast<std::int64_t>(a.node().output_count()));
}

void scatter_to_scatter_elements(Adaptation& a) { a.node().set_op("ScatterElements", a.node().domain()); }

// Old: a scale and bias for each group. New: for each channel; the channels of a group are neighbours.
void repeat_group_parameters(Adaptation& a) {
  const std::int64_t groups = a.integer("num_groups").value_or(0);
  if (groups <= 0) throw Refusal{"its attribute 'num_groups' is not positive", "correct the model"};
  const DType dtype = a.required_input(0).type().dtype;

  Value& repeats = group_repeats(a, groups);
  Value& column = a.new_integers("column", {groups, 1});
  Value& flat = a.new_integers("flat", {-1});
  for (const auto& [i, name] : {std::pair{std::size_t{1}, "scale"}, {std::size_t{2}, "bias"}}) {
    const std::string suffix = name;
    Value& parameter = a.required_input(i);
    Value& grouped = a.before("Reshape", {&parameter, &column}, suffix + "_of_group",
                              Type::tensor(dtype, Shape{{groups, ""}, {1, ""}}));
    Value& tiled = a.before("Tile", {&grouped, &repeats}, suffix + "_tiled", Type::tensor(dtype, Shape(2)));
    a.set_input(i, &a.before("Reshape", {&tiled, &flat}, suffix, Type::tensor(dtype, Shape(1))));
  }
}

}  // namespace qprep::adapters
