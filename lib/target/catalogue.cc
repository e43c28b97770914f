#include "target/catalogue.h"

#include <algorithm>
#include <utility>

#include "target/readers.h"

namespace qprep {
namespace {

using Words = std::vector<std::string>;

Quantity one(std::string_view name, std::string_view noun, QuantityReader read,
             std::string_view remedy = "") {
  return {.name = name, .noun = noun, .remedy = remedy, .read = read};
}

Quantity list(std::string_view name, Items items, std::string_view noun, std::string_view all,
              QuantityReader read, std::string_view remedy = "") {
  return {.name = name, .items = items, .noun = noun, .all = all, .remedy = remedy, .read = read};
}

Quantity word(std::string_view name, std::string_view noun, Words words, QuantityReader read,
              std::string_view remedy) {
  return {.name = name,
          .kind = QuantityKind::kWord,
          .noun = noun,
          .remedy = remedy,
          .words = std::move(words),
          .read = read};
}

Quantity fact(std::string_view name, std::string_view clause, std::string_view denial, QuantityReader read) {
  return {.name = name, .kind = QuantityKind::kFact, .noun = clause, .all = denial, .read = read};
}

Quantity of_tensor(Quantity quantity) {
  quantity.of_tensor = true;
  return quantity;
}

std::vector<Quantity> of_tensors() {
  const Words types = {"float32", "float16", "bfloat16", "float64", "int8",   "int16", "int32",
                       "int64",   "uint8",   "uint16",   "uint32",  "uint64", "bool",  "string"};
  std::vector<Quantity> rows = {
      one("rank", "rank", read_rank, "reshape it to rank"),
      list("dims", Items::kAxes, "size of axis", "the size of each axis", read_dims),
      list("dims_but_axis", Items::kAxes, "size of axis", "each size but that of the axis",
           read_dims_but_axis),
      list("spatial", Items::kSpatial, "size of axis", "each spatial size", read_spatial),
      one("N", "N", read_n),
      one("C", "C", read_c),
      one("D", "D", read_d),
      one("H", "H", read_h),
      one("W", "W", read_w),
      one("elements", "number of elements", read_elements),
      one("bytes", "number of bytes", read_bytes),
      word("dtype", "element type", types, read_dtype, "use an element type of"),
      word("precision", "precision", {"int8", "int16", "int32", "float32"}, read_precision,
           "use a precision of"),
      fact("constant", "is a constant", "is no constant", read_constant),
  };
  for (Quantity& each : rows) each = of_tensor(std::move(each));
  return rows;
}

std::vector<Quantity> of_windows() {
  return {
      list("kernel", Items::kSides, "kernel", "each kernel size", read_kernel, "use a kernel of"),
      one("kernel_h", "kernel height", read_height<read_kernel>, "use a kernel height of"),
      one("kernel_w", "kernel width", read_width<read_kernel>, "use a kernel width of"),
      one("kernel_d", "kernel depth", read_depth<read_kernel>, "use a kernel depth of"),
      list("stride", Items::kSides, "stride", "each stride", read_stride, "use a stride of"),
      one("stride_h", "stride height", read_height<read_stride>, "use a stride height of"),
      one("stride_w", "stride width", read_width<read_stride>, "use a stride width of"),
      one("stride_d", "stride depth", read_depth<read_stride>, "use a stride depth of"),
      list("dilation", Items::kSides, "dilation", "each dilation", read_dilation, "use a dilation of"),
      one("dilation_h", "dilation height", read_height<read_dilation>, "use a dilation height of"),
      one("dilation_w", "dilation width", read_width<read_dilation>, "use a dilation width of"),
      one("dilation_d", "dilation depth", read_depth<read_dilation>, "use a dilation depth of"),
      list("pads", Items::kEdges, "pad", "each pad", read_pads, "use a padding of"),
      list("pad_h", Items::kTopBottom, "pad", "each pad above and below", read_pad_h,
           "use a padding above and below of"),
      list("pad_w", Items::kLeftRight, "pad", "each pad left and right", read_pad_w,
           "use a padding left and right of"),
      list("pad_d", Items::kFrontBack, "pad", "each pad front and back", read_pad_d,
           "use a padding front and back of"),
      list("output_padding", Items::kSides, "output padding", "each output padding", read_output_padding,
           "use an output padding of"),
      one("group", "group count", read_group, "use a group count of"),
      list("channels_per_group", Items::kChannels, "channels", "each number of channels per group",
           read_channels_per_group, "use a number of channels per group of"),
  };
}

std::vector<Quantity> of_axes() {
  return {
      one("axis", "axis", read_axis, "transpose its data so that the axis is"),
      list("axes", Items::kAlike, "axis", "each axis", read_axes, "transpose its data so that the axes are"),
      list("axis_sizes", Items::kAlike, "size of reduced axis", "the size of each reduced axis",
           read_axis_sizes),
      list("changed_axes", Items::kAlike, "changed axis", "each axis whose size changes", read_changed_axes,
           "change only axis"),
      list("padded_axes", Items::kAlike, "padded axis", "each axis that is padded", read_padded_axes,
           "pad only axis"),
      list("parts", Items::kAxes, "size of part", "the size of each part", read_parts, "use parts of"),
      one("batch", "batch size", read_batch, "use a batch size of"),
  };
}

std::vector<Quantity> of_operands() {
  return {
      one("constant_inputs", "number of constant inputs", read_constant_inputs),
      one("zeros", "number of zeros in constant inputs", read_zeros),
      list("broadcast_axes", Items::kAlike, "broadcast axis", "each axis that is broadcast",
           read_broadcast_axes, "broadcast only along axis"),
      one("broadcast_operands", "number of operands that are broadcast", read_broadcast_operands),
      one("merged_rank", "rank with axes merged that broadcast alike", read_merged_rank),
      word("batch_broadcast", "broadcasting of the leading axes", {"none", "ones", "trailing", "mixed"},
           read_batch_broadcast, "use a broadcasting of the leading axes of"),
  };
}

std::vector<Quantity> of_the_rest() {
  const Words modes = {"constant", "reflect",  "edge",    "wrap", "nearest", "linear",
                       "cubic",    "bilinear", "bicubic", "DCR",  "CRD"};
  const Words coordinates = {"half_pixel",    "half_pixel_symmetric", "pytorch_half_pixel",  "asymmetric",
                             "align_corners", "tf_crop_and_resize",   "tf_half_pixel_for_nn"};
  return {
      word("mode", "mode", modes, read_mode, "use mode"),
      word("padding_mode", "padding mode", {"zeros", "border", "reflection"}, read_padding_mode,
           "use padding mode"),
      word("coordinates", "coordinate mode", coordinates, read_coordinates, "use coordinate mode"),
      one("keepdims", "keepdims", read_keepdims, "use keepdims of"),
      one("blocksize", "block size", read_blocksize, "use a block size of"),
      one("sorted", "sorted", read_sorted, "use sorted of"),
      one("opset", "opset", read_opset, "use opset"),
      fact("fused", "it is fused with the operator before it", "it is fused with no operator before it",
           read_fused),
      fact("feeds_shortcut_add", "a shortcut Add follows", "no shortcut Add follows",
           read_feeds_shortcut_add),
      fact("last_of_segment", "it is the last of its quantised segment",
           "it is not the last of its quantised segment", read_last_of_segment),
      fact("model_output", "its result is an output of the model", "its result is no output of the model",
           read_model_output),
      fact("crop_on_pixels", "its crop begins and ends on whole pixels",
           "its crop begins or ends between pixels", read_crop_on_pixels),
  };
}

}  // namespace

const std::vector<Quantity>& catalogue() {
  static const std::vector<Quantity> all = [] {
    std::vector<Quantity> rows;
    for (const auto& part : {of_tensors(), of_windows(), of_axes(), of_operands(), of_the_rest()}) {
      rows.insert(rows.end(), part.begin(), part.end());
    }
    std::ranges::sort(rows, {}, &Quantity::name);
    return rows;
  }();
  return all;
}

}  // namespace qprep
