#include <array>
#include <cmath>
#include <fmt/format.h>

#include "opset/adapters.h"

namespace qprep::adapters {

void drop_consumed_inputs(Adaptation& a) { a.erase_attribute("consumed_inputs"); }

void drop_output_sequence(Adaptation& a) { a.erase_attribute("output_sequence"); }

void state_selu_defaults(Adaptation& a) {
  drop_consumed_inputs(a);
  if (!a.has("alpha")) a.node().set_attribute("alpha", 1.6732F);
  if (!a.has("gamma")) a.node().set_attribute("gamma", 1.0507F);
}

void state_concat_axis(Adaptation& a) {
  if (!a.has("axis")) a.node().set_attribute("axis", std::int64_t{1});
}

void rename_paddings(Adaptation& a) { a.rename_attribute("paddings", "pads"); }

void name_cast_type_by_number(Adaptation& a) {
  using Entry = std::pair<std::string_view, DType>;
  static constexpr std::array<Entry, 15> kNames = {{{"FLOAT", DType::kFloat32},
                                                    {"UINT8", DType::kUInt8},
                                                    {"INT8", DType::kInt8},
                                                    {"UINT16", DType::kUInt16},
                                                    {"INT16", DType::kInt16},
                                                    {"INT32", DType::kInt32},
                                                    {"INT64", DType::kInt64},
                                                    {"STRING", DType::kString},
                                                    {"BOOL", DType::kBool},
                                                    {"FLOAT16", DType::kFloat16},
                                                    {"DOUBLE", DType::kFloat64},
                                                    {"UINT32", DType::kUInt32},
                                                    {"UINT64", DType::kUInt64},
                                                    {"COMPLEX64", DType::kComplex64},
                                                    {"COMPLEX128", DType::kComplex128}}};
  const std::string name = a.text("to").value_or("");
  for (const auto& [known, dtype] : kNames) {
    if (name == known) return a.node().set_attribute("to", static_cast<std::int64_t>(dtype));
  }
  throw Refusal{fmt::format("its attribute 'to' is \"{}\", which names no element type", name),
                "correct the model"};
}

void state_integer_p(Adaptation& a) {
  const std::optional<float> p = a.real("p");
  if (!p) return;
  if (*p != std::floor(*p) || std::fabs(*p) > 1e6F) {
    throw Refusal{fmt::format("its attribute 'p' is {}, and the newer version takes integers only", *p),
                  "replace the operator by Abs, Pow and a sum"};
  }
  a.node().set_attribute("p", static_cast<std::int64_t>(*p));
}

void correct_gru_direction(Adaptation& a) {
  // Version 1 misspelled its default.
  if (a.text("direction") == "foward") a.node().set_attribute("direction", std::string("forward"));
}

void drop_gemm_broadcast(Adaptation& a) { a.erase_attribute("broadcast"); }

void state_roi_align_mode(Adaptation& a) {
  a.node().set_attribute("coordinate_transformation_mode", std::string("output_half_pixel"));
}

void rename_grid_sample_mode(Adaptation& a) {
  const std::optional<std::string> mode = a.text("mode");
  if (mode == "bilinear") a.node().set_attribute("mode", std::string("linear"));
  if (mode == "bicubic") a.node().set_attribute("mode", std::string("cubic"));
}

void refuse_integer_input(Adaptation& a) {
  const Value& input = a.required_input(0);
  const Type& type = input.type();
  if (type.kind != Type::Kind::kTensor || type.dtype == DType::kUndefined || is_floating(type.dtype)) return;
  throw Refusal{fmt::format("its input '{}' is {}, and the newer version takes floating-point types only",
                            input.name(), to_text(type.dtype)),
                "cast the input to a floating-point type"};
}

}  // namespace qprep::adapters
