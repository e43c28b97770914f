#include <algorithm>

#include "opset/adapters.h"

namespace qprep::adapters {
namespace {

using Integers = std::vector<std::int64_t>;

bool all_are(const Integers& values, std::int64_t wanted) {
  return std::all_of(values.begin(), values.end(), [&](std::int64_t value) { return value == wanted; });
}

}  // namespace

// The meaning is the same, but in ONNX Runtime another kernel computes version 19, and the order in which a
// window's elements are added decides the last bits. From 19 on it is row by row. Before, it is
//   as in GlobalAveragePool  for a window that is the whole image, at stride 1 and unpadded
//   row by row               for a window along one axis or longer than 32; for a last stride above 2; and
//                            for ceil_mode with count_include_pad
//   columns first            for any other.
void keep_order_of_adding(Adaptation& a) {
  constexpr std::int64_t kLongestInColumns = 32, kGreatestStrideInColumns = 2;
  const Integers window = a.integers("kernel_shape").value_or(Integers{});
  const Integers strides = a.integers("strides").value_or(Integers(window.size(), 1));
  const std::string auto_pad = a.text("auto_pad").value_or("NOTSET");
  const bool is_padded = auto_pad.starts_with("SAME") ||
                         (auto_pad == "NOTSET" && !all_are(a.integers("pads").value_or(Integers{}), 0));
  const bool by_rows_anyway =
      a.integer("ceil_mode").value_or(0) != 0 && a.integer("count_include_pad").value_or(0) != 0;
  if (by_rows_anyway || all_are(window, 1)) return;

  bool may_be_whole_image = !is_padded && all_are(strides, 1);
  const std::optional<Dims> dims = a.required_input(0).type().static_dims();
  if (may_be_whole_image && dims && dims->size() == window.size() + 2) {
    if (std::equal(window.begin(), window.end(), dims->begin() + 2)) {
      for (const char* name :
           {"auto_pad", "ceil_mode", "count_include_pad", "kernel_shape", "pads", "strides"}) {
        a.erase_attribute(name);
      }
      return a.node().set_op("GlobalAveragePool", a.node().domain());
    }
    may_be_whole_image = false;
  }
  const auto longer_than = [&](std::int64_t size) {
    return std::count_if(window.begin(), window.end(), [&](std::int64_t length) { return length > size; });
  };
  const bool by_rows = longer_than(1) <= 1 || longer_than(kLongestInColumns) > 0 ||
                       (!strides.empty() && strides.back() > kGreatestStrideInColumns);
  if (by_rows && !may_be_whole_image) return;
  throw Refusal{
      "ONNX Runtime adds in another order from version 19 on, so the result would differ in its last bits",
      "stay below opset 19"};
}

}  // namespace qprep::adapters
