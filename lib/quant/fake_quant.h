#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"
#include "plan/plan.h"

/// FakeQuantize as it stands in the IR and in files; docs/design.md has the contract.
namespace qprep {

inline constexpr std::string_view kFakeQuantizeOp = "FakeQuantize";
/// The operator set that the function of a calibrated FakeQuantize needs at least.
inline constexpr std::int64_t kFakeQuantizeOpset = 11;

inline constexpr std::array<std::string_view, 7> kFakeQuantizeAttributes = {
    "dtype", "quant_min", "quant_max", "ch_axis", "observer", "averaging_constant", "state"};

/// Only where the scheme is not the default: what of it the other attributes do not say, "asymmetric",
/// "power_of_two" and "smallest=2.44140625e-04", in this order, separated by blanks.
inline constexpr std::string_view kSchemeAttribute = "scheme";

/// A FakeQuantize of either domain.
bool is_fake_quantize(const Node& node);
/// Every FakeQuantize of the graph and of the bodies in it, in graph order.
std::vector<Node*> fake_quantize_nodes(Graph& graph);

/// What a FakeQuantize node says of itself.
struct FakeQuantAttrs {
  QuantSpec spec;           // dtype, ch_axis, observer, averaging_constant, scheme
  QuantRange range;         // quant_min, quant_max
  bool calibrated = false;  // its domain computes, rather than only observes
};

/// Given: is_fake_quantize(node). nullopt: an attribute is missing or makes no sense (a file that somebody
/// edited); `why` (if given) then says which: "its dtype 'qint5' is not known".
std::optional<FakeQuantAttrs> read_fake_quantize(const Node& node, std::string* why = nullptr);

/// The tensors that a FakeQuantize computes with.
struct FakeQuantParams {
  const Tensor* scale = nullptr;       // float32, finite, > 0
  const Tensor* zero_point = nullptr;  // int32, as many elements
};

/// Given: is_fake_quantize(node). nullopt: scale or zero_point is no constant, or has a wrong type, shape or
/// value for `attrs`; `why` says so.
std::optional<FakeQuantParams> params_of_fake_quantize(const Node& node, const FakeQuantAttrs& attrs,
                                                       std::string* why = nullptr);

/// Given: scale (float32) and zero_point (int32) have the same dims, {} or channel_dims() of weight_scale.h.
/// Execute: adds the initializers `<x>_scale` and `<x>_zero_point` to the outermost graph around
/// `graph` and to `graph`, before `before` (null = at
/// the end), a FakeQuantize of x with output `<x>_fq` of x's type.
/// Result: that node. Nothing reads it yet: the caller moves x's readers over.
Node& insert_fake_quantize(Graph& graph, Node* before, Value& x, const QuantSpec& spec, Tensor scale,
                           Tensor zero_point, bool calibrated);
/// The same with a scale and a zero point that are there.
Node& insert_fake_quantize(Graph& graph, Node* before, Value& x, const QuantSpec& spec, Value& scale,
                           Value& zero_point, bool calibrated);

/// The same of a node that is there. Given: its inputs are x, scale and zero point, and it has no attributes.
void become_fake_quantize(Node& node, const QuantSpec& spec, bool calibrated);

/// For an activation whose range is not known yet: scale 1, zero point 0, per tensor, or for each index of an
/// axis, whose size is known then.
struct ScaleAndZeroPoint {
  Tensor scale;
  Tensor zero_point;
};
ScaleAndZeroPoint unset_scale();
ScaleAndZeroPoint unset_scale(const Type& of, std::int64_t channel_axis);

/// Result: the node is calibrated or is not, as its domain and state say.
void set_calibrated(Node& fake_quantize, bool calibrated);

/// Result: the model has the functions that its FakeQuantize nodes need (those in bodies, too), imports their
/// domains, and has and imports nothing of ours that is not used; its IR version is at least 8 if there is a
/// function. Raising it from below 4 takes initializers out of the graph's inputs, since they are constants
/// there and would become overridable. Idempotent; called after anything that adds, removes or calibrates
/// FakeQuantize nodes. Given: model.opset() >= kFakeQuantizeOpset if a node is calibrated.
void update_fake_quantize_functions(Model& model);

}  // namespace qprep
