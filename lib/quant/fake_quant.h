#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ir/graph.h"
#include "plan/plan.h"

/// FakeQuantize as it stands in the IR and in files; docs/design.md has the contract.
namespace qprep {

inline constexpr std::string_view kFakeQuantizeOp = "FakeQuantize";
inline constexpr std::string_view kQuantiseDomain = "qprep";         // computes
inline constexpr std::string_view kObserveDomain = "qprep.observe";  // hands x on, bit for bit
/// The operator set that the functions' bodies need at least, and the IR version that functions need.
inline constexpr std::int64_t kFakeQuantizeOpset = 11;
inline constexpr std::int64_t kFunctionIrVersion = 8;

/// A FakeQuantize of either domain.
bool is_fake_quantize(const Node& node);

/// What a FakeQuantize node says of itself.
struct FakeQuantAttrs {
  QuantSpec spec;           // dtype, ch_axis, observer, averaging_constant
  QuantRange range;         // quant_min, quant_max
  bool calibrated = false;  // domain qprep, state "quantise"
};

/// Given: is_fake_quantize(node). nullopt: an attribute is missing or makes no sense (a file that somebody
/// edited); `why` (if given) then says which: "its dtype 'qint5' is not known".
std::optional<FakeQuantAttrs> read_fake_quantize(const Node& node, std::string* why = nullptr);

/// The tensors that a FakeQuantize computes with.
struct FakeQuantParams {
  const Tensor* scale = nullptr;       // float32, > 0
  const Tensor* zero_point = nullptr;  // int32
};

/// Given: is_fake_quantize(node). nullopt: scale or zero_point is no constant, or has a wrong type, shape or
/// value; `why` says so.
std::optional<FakeQuantParams> params_of_fake_quantize(const Node& node, std::string* why = nullptr);

/// Given: scale (float32) and zero_point (int32) have the same dims, {} or the channels' (see channel_dims).
/// Execute: adds the initializers `<x>_scale` and `<x>_zero_point` to `graph` and, before `before` (null = at
/// the end), a FakeQuantize of x with output `<x>_fq` of x's type.
/// Result: that node. Nothing reads it yet: the caller moves x's readers over.
Node& insert_fake_quantize(Graph& graph, Node* before, Value& x, const QuantSpec& spec, Tensor scale,
                           Tensor zero_point, bool calibrated);

/// For a tensor whose range is not known yet: scale 1, zero point 0, of the shape that a tensor of `rank` and
/// `channels` needs (per tensor: both are ignored).
struct ScaleAndZeroPoint {
  Tensor scale;
  Tensor zero_point;
};
ScaleAndZeroPoint unset_scale(const QuantSpec& spec, std::size_t rank, std::int64_t channels);

/// Result: the node is calibrated (domain and state say so), or is not.
void set_calibrated(Node& fake_quantize, bool calibrated);

/// Result: the model has exactly the functions that its FakeQuantize nodes need (in any body, too), imports
/// their domains, and no others of ours; its IR version is at least kFunctionIrVersion if there is one.
/// Raising the IR version from below 4 drops initializers from the graph's inputs, since they are constants
/// there and would become overridable. Idempotent; to be called after passes that add or remove FakeQuantize.
/// Given: model.opset() >= kFakeQuantizeOpset if a node is calibrated.
void update_fake_quantize_functions(Model& model);

}  // namespace qprep
