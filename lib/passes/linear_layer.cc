#include "passes/linear_layer.h"

#include <algorithm>

namespace qprep {
namespace {

constexpr std::int64_t kFloat = sizeof(float);

/// to[i] = from[i] * factor, in double. Files promise no alignment.
void multiply(const std::byte* from, double factor, std::int64_t count, std::byte* to) {
  for (std::int64_t i = 0; i < count; ++i) {
    float value;
    __builtin_memcpy(&value, from + i * kFloat, sizeof value);
    value = static_cast<float>(static_cast<double>(value) * factor);
    __builtin_memcpy(to + i * kFloat, &value, sizeof value);
  }
}

}  // namespace

std::variant<LinearLayer, std::string> LinearLayer::of(Node& node) {
  const Tensor* weight = node.input(1) ? constant_of(*node.input(1)) : nullptr;
  return of(node, weight ? *weight : Tensor());
}

std::variant<LinearLayer, std::string> LinearLayer::of(Node& node, const Tensor& weight) {
  const bool is_matrix = node.is("Gemm") || node.is("MatMul");
  LinearLayer layer(node);
  if (!is_matrix && !layer.is_convolution()) return "no Conv, ConvTranspose, Gemm or MatMul stands there";
  if (weight.dtype() != DType::kFloat32) return "the weight there is not constant float32";
  layer.weight_ = weight;
  const Dims& dims = weight.dims();
  layer.groups_ = is_matrix ? 1 : node.int_or("group", 1);
  const bool fits = is_matrix ? dims.size() == 2 : dims.size() >= 3;
  if (!fits || weight.size() == 0 || layer.groups_ < 1 || dims[0] % layer.groups_ != 0) {
    return "the weight there has an unusual shape";
  }
  layer.rows_ = dims[0];
  layer.columns_ = dims[1];
  layer.taps_ = weight.size() / (dims[0] * dims[1]);
  layer.output_rank_ = dims.size();
  layer.rows_are_outputs_ = node.is("Conv") || (node.is("Gemm") && node.int_or("transB", 0) != 0);
  return layer;
}

bool LinearLayer::sees_whole_weight() const {
  if (node_->is("ConvTranspose")) return false;
  if (!node_->is("Conv")) return true;
  const std::string auto_pad = node_->string_or("auto_pad", "NOTSET");
  // SAME pads nothing where the kernel is a single tap.
  if (auto_pad != "NOTSET") return auto_pad == "VALID" || taps_ == 1;
  const std::vector<std::int64_t> pads = node_->ints_or("pads", {});
  return std::all_of(pads.begin(), pads.end(), [](std::int64_t pad) { return pad == 0; });
}

std::optional<std::vector<double>> LinearLayer::bias() const {
  const auto channels = static_cast<std::size_t>(outputs());
  const Value* value = node_->input(2);
  if (!value) return std::vector<double>(channels, 0.0);
  const Tensor* tensor = constant_of(*value);
  if (!tensor || tensor->dtype() != DType::kFloat32) return std::nullopt;
  const Dims& dims = tensor->dims();
  const bool is_gemm = node_->is("Gemm");
  const bool per_channel = tensor->size() == outputs() && !dims.empty() && dims.back() == outputs();
  const bool spread = is_gemm && tensor->size() == 1;
  if (!(per_channel || spread) || dims.size() > (is_gemm ? 2U : 1U)) return std::nullopt;
  const double beta = is_gemm ? static_cast<double>(node_->float_or("beta", 1.0F)) : 1.0;
  std::vector<double> bias;
  for (std::size_t i = 0; i < channels; ++i) {
    bias.push_back(beta * static_cast<double>(tensor->at<float>(spread ? 0 : static_cast<std::int64_t>(i))));
  }
  return bias;
}

std::int64_t LinearLayer::output_of(std::int64_t row, std::int64_t column) const {
  return rows_are_outputs_ ? row : row / (rows_ / groups_) * columns_ + column;
}

std::int64_t LinearLayer::input_of(std::int64_t row, std::int64_t column) const {
  return rows_are_outputs_ ? row / (rows_ / groups_) * columns_ + column : row;
}

/// visit(row, column, index) in the order of the payload.
template <typename Visit>
void LinearLayer::for_each_weight(Visit visit) const {
  std::int64_t index = 0;
  for (std::int64_t row = 0; row < rows_; ++row) {
    for (std::int64_t column = 0; column < columns_; ++column) {
      for (std::int64_t tap = 0; tap < taps_; ++tap) visit(row, column, index++);
    }
  }
}

Tensor LinearLayer::weight_times(const std::vector<double>& factor, Channels channels) const {
  const bool by_row = (channels == Channels::kOutputs) == rows_are_outputs_;
  const std::int64_t run = by_row ? columns_ * taps_ : taps_;  // elements in a row that take one factor
  const auto fill = [layer = *this, factor, channels, run](std::size_t offset, std::span<std::byte> piece) {
    std::vector<std::byte> room;
    const std::byte* from = layer.weight_.payload().piece(offset, piece.size(), room).data();
    std::byte* to = piece.data();
    auto index = static_cast<std::int64_t>(offset / sizeof(float));
    const auto end = index + static_cast<std::int64_t>(piece.size() / sizeof(float));
    while (index < end) {
      const std::int64_t row = index / layer.taps_ / layer.columns_;
      const std::int64_t column = index / layer.taps_ % layer.columns_;
      const std::int64_t channel =
          channels == Channels::kOutputs ? layer.output_of(row, column) : layer.input_of(row, column);
      const std::int64_t count = std::min(end, (index / run + 1) * run) - index;
      multiply(from, factor[static_cast<std::size_t>(channel)], count, to);
      from += count * kFloat;
      to += count * kFloat;
      index += count;
    }
  };
  return Tensor::computed(DType::kFloat32, weight_.dims(), fill);
}

Tensor LinearLayer::weight_times_outputs(const std::vector<double>& factor) const {
  return weight_times(factor, Channels::kOutputs);
}

Tensor LinearLayer::weight_times_inputs(const std::vector<double>& factor) const {
  return weight_times(factor, Channels::kInputs);
}

std::vector<double> LinearLayer::response_to(const std::vector<double>& value,
                                             const std::vector<double>& shares) const {
  std::vector<double> response(static_cast<std::size_t>(outputs()), 0.0);
  for_each_weight([&](std::int64_t row, std::int64_t column, std::int64_t index) {
    response[static_cast<std::size_t>(output_of(row, column))] +=
        static_cast<double>(weight_.at<float>(index)) *
        value[static_cast<std::size_t>(input_of(row, column))] *
        (shares.empty() ? 1.0 : shares[static_cast<std::size_t>(index % taps_)]);
  });
  const double alpha = node_->is("Gemm") ? static_cast<double>(node_->float_or("alpha", 1.0F)) : 1.0;
  for (double& each : response) each *= alpha;
  return response;
}

}  // namespace qprep
