#include "opset/known_type.h"

#include <algorithm>
#include <array>

namespace qprep {
namespace {

constexpr Likeness kSame = Likeness::kTypeAndRank;
constexpr Likeness kNumpy = Likeness::kTypeAndGreatestRank;
constexpr Likeness kType = Likeness::kType;

constexpr LikeInput kLike[] = {
    {"Abs", kSame},
    {"Add", kNumpy},
    {"Affine", kSame},
    {"AveragePool", kSame},
    {"BatchNormalization", kSame},
    {"Ceil", kSame},
    {"Clip", kSame},
    {"Concat", kSame},
    {"Conv", kSame},
    {"ConvTranspose", kSame},
    {"Crop", kSame},
    {"Div", kNumpy},
    {"Dropout", kSame},
    {"DynamicSlice", kSame},
    {"Elu", kSame},
    {"Exp", kSame},
    {"Flatten", kType},
    {"Floor", kSame},
    {"Gather", kType},
    {"Gemm", kSame},
    {"GlobalAveragePool", kSame},
    {"GlobalLpPool", kSame},
    {"GlobalMaxPool", kSame},
    {"HardSigmoid", kSame},
    {"Hardmax", kSame},
    {"Identity", kSame},
    {"ImageScaler", kSame},
    {"InstanceNormalization", kSame},
    {"LRN", kSame},
    {"LeakyRelu", kSame},
    {"Log", kSame},
    {"LogSoftmax", kSame},
    {"LpNormalization", kSame},
    {"LpPool", kSame},
    {"MatMul", kType},
    {"Max", kNumpy},
    {"MaxPool", kSame},
    {"Mean", kNumpy},
    {"MeanVarianceNormalization", kSame},
    {"Min", kNumpy},
    {"Mul", kNumpy},
    {"Neg", kSame},
    {"PRelu", kSame},
    {"Pad", kSame},
    {"ParametricSoftplus", kSame},
    {"Pow", kNumpy},
    {"Reciprocal", kSame},
    {"ReduceMax", kType},
    {"ReduceMean", kType},
    {"ReduceSum", kType},
    {"Relu", kSame},
    {"Reshape", kType},
    {"Resize", kSame},
    {"Scale", kSame},
    {"ScaledTanh", kSame},
    {"Selu", kSame},
    {"Sigmoid", kSame},
    {"Slice", kSame},
    {"Softmax", kSame},
    {"Softplus", kSame},
    {"Softsign", kSame},
    {"Split", kSame},
    {"Sqrt", kSame},
    {"Squeeze", kType},
    {"Sub", kNumpy},
    {"Sum", kNumpy},
    {"Tanh", kSame},
    {"ThresholdedRelu", kSame},
    {"Tile", kSame},
    {"Transpose", kSame},
    {"Unsqueeze", kType},
    {"Upsample", kSame},
};

const LikeInput* like_input(const Value& value) {
  const Node* node = value.producer();
  if (!node || !node->is_onnx_domain() || !node->input(0)) return nullptr;
  const bool is_first = value.producer_output() == 0 || node->op() == "Split";
  const auto* at = std::find_if(std::begin(kLike), std::end(kLike),
                                [&](const LikeInput& row) { return row.op == node->op(); });
  return is_first && at != std::end(kLike) ? at : nullptr;
}

}  // namespace

std::span<const LikeInput> operators_like_their_input() { return kLike; }

KnownType known_type(const Value& value) {
  KnownType known;
  bool ranks_agree = true;
  std::size_t least_rank = 0;
  for (const Value* at = &value;;) {
    const Type& type = at->type();
    if (type.kind == Type::Kind::kTensor && known.dtype == DType::kUndefined) known.dtype = type.dtype;
    if (ranks_agree && !known.rank && type.rank()) known.rank = std::max(*type.rank(), least_rank);
    const bool rank_settled = known.rank || !ranks_agree;
    const LikeInput* like = like_input(*at);
    if ((known.dtype != DType::kUndefined && rank_settled) || !like) return known;

    const Node& node = *at->producer();
    if (like->likeness == Likeness::kType) ranks_agree = false;
    for (std::size_t i = 1; like->likeness == Likeness::kTypeAndGreatestRank && i < node.input_count(); ++i) {
      const std::optional<std::size_t> rank = node.input(i) ? node.input(i)->type().rank() : std::nullopt;
      if (rank) least_rank = std::max(least_rank, *rank);
      ranks_agree = ranks_agree && rank;
    }
    at = node.input(0);
  }
}

}  // namespace qprep
