#include "config/tensor_spec.h"

#include <catch2/catch.hpp>

#include "config/config_lines.h"

using namespace qprep;
using test::complaints;
using test::later;
using test::Lines;
using test::setting_lines;

namespace {

std::string activation(const std::string& spec) {
  return "qconfig_dict: {\"\": {activation: " + spec + "}}\n";
}
std::string weight(const std::string& spec) { return "qconfig_dict: {\"\": {weight: " + spec + "}}\n"; }

/// The slots and what is said of them, without places.
Lines says(const std::string& text) {
  Lines lines;
  for (const std::string& line : setting_lines(text)) lines.push_back(line.substr(line.rfind(": ") + 2));
  return lines;
}

/// What is not carried out yet, without place and what it is of.
Lines kept(const std::string& text) {
  Lines lines;
  for (const std::string& line : later(text)) {
    const std::size_t begin = line.find("error: ") + 7;
    lines.push_back(line.substr(begin, line.find(" of ", begin) - begin));
  }
  return lines;
}

}  // namespace

TEST_CASE("A specification says precision, observer, constant and scale") {
  CHECK(says(activation("{dtype: torch.qint8, qscheme: torch.per_tensor_symmetric, quant_min: -128, "
                        "quant_max: 127, observer: MovingAverageMinMaxObserver, averaging_constant: 0.05, "
                        "reduce_range: false, eps: 1.1920928955078125e-07}")) ==
        Lines{"output qint8", "output observer moving_average", "output averaging_constant 0.05"});
  CHECK(says(activation("{kind: FixedQParams, dtype: qint16, scale: 0.5, zero_point: 0}")) ==
        Lines{"output qint16", "output scale 0.5"});
  CHECK(says(weight("{dtype: int16, qscheme: per_tensor_symmetric, observer: MinMaxObserver}")) ==
        Lines{"weight qint16", "weight per tensor"});
  CHECK(says(weight("{observer: PerChannelMinMaxObserver, ch_axis: 0}")) == Lines{"weight per channel"});
  CHECK(says(activation("null")) == Lines{"output float32"});
  CHECK(says(weight("float")) == Lines{"weight float32"});
}

TEST_CASE("Activations may have a scale for each channel, which are axis 1") {
  CHECK(says(activation("{qscheme: per_channel_symmetric, ch_axis: 1}")) == Lines{"output per channel"});
  CHECK(says(activation("{observer: PerChannelMinMaxObserver}")) ==
        Lines{"output observer min_max", "output per channel"});
  CHECK(kept(activation("{qscheme: per_channel_symmetric, ch_axis: 1}")).empty());
}

TEST_CASE("What the engine does not have is not yet, by its name") {
  CHECK(kept(activation("{dtype: quint8, qscheme: per_tensor_affine, quant_min: 0, quant_max: 255, "
                        "is_dynamic: true, reduce_range: True, eps: 0.000244140625}")) ==
        Lines{"'quint8' for qconfig_dict \"\" activation", "qscheme 'per_tensor_affine'", "quant_min '0'",
              "quant_max '255'", "eps '0.000244140625'", "is_dynamic 'true'", "reduce_range 'True'"});
  CHECK(kept(activation("{observer: HistogramObserver, zero_point: 3, scale: 1}")) ==
        Lines{"observer 'HistogramObserver'", "zero_point '3'"});
  CHECK(kept(activation("{qscheme: per_channel_symmetric, ch_axis: 0}")) == Lines{"ch_axis '0'"});
  CHECK(kept(weight("{dtype: qint8, quant_min: -127, ch_axis: 1, scale: 1, averaging_constant: 0.1}")) ==
        Lines{"quant_min '-127'", "ch_axis '1'", "averaging_constant '0.1'", "scale '1'"});
  CHECK(kept(activation("{kind: SharedQuantizationSpec, edge_or_node: input}")) ==
        Lines{"'SharedQuantizationSpec'"});
  CHECK(kept(weight("{derived_from: [a, b]}")) == Lines{"'DerivedQuantizationSpec'"});
  CHECK(kept(activation("{fake_quant: lsq}")) == Lines{"fake_quant 'lsq'"});
}

TEST_CASE("The range of 16 bits needs no dtype to be the full one") {
  CHECK(kept(activation("{quant_min: -32768, quant_max: 32767}")).empty());
  CHECK(kept(activation("{dtype: qint8, quant_min: -32768, quant_max: 32767}")).size() == 2);
}

TEST_CASE("Every mistake in a specification is named") {
  const auto said = [](const std::string& text) {
    Lines lines;
    for (const std::string& line : complaints(text)) {
      const std::size_t begin = line.find("error: ") + 7;
      lines.push_back(line.substr(begin, line.rfind(" [") - begin));
    }
    return lines;
  };
  const std::string of = "of qconfig_dict \"\" activation ";
  CHECK(said(activation("{dtype: qint9, quant_min: 5, quant_max: 3, ch_axis: 0.5, eps: x, scale: 0, "
                        "averaging_constant: 2}")) ==
        Lines{"the dtype " + of +
                  "must be one of qint8, qint16, float, int8, int16, float32, not 'qint9' (did you "
                  "mean 'qint8'?)",
              "quant_min " + of + "must be below quant_max, but 5 is not below 3",
              "ch_axis " + of + "must be a whole number",
              "eps " + of + "must be a number from 0 to 1, not 'x'", "scale " + of + "must be above 0",
              "averaging_constant " + of + "must be a number from 0 to 1, not '2'"});
  CHECK(said(activation("{kind: FixedQParams}")) == Lines{"'FixedQParams' " + of + "has no 'scale'"});
  CHECK(said(weight("{qscheme: per_channel_symmetric, observer: MinMaxObserver}")) ==
        Lines{"'MinMaxObserver' of qconfig_dict \"\" weight gives one scale for the tensor, and the qscheme "
              "asks for "
              "one for each channel"});
  CHECK(said(activation("[qint8]"))
            .front()
            .starts_with("the dtype of qconfig_dict \"\" activation must be one of"));
  CHECK(said(activation("{qscheme: symmetric}"))
            .front()
            .starts_with("qscheme " + of + "must be one of per_tensor"));
}
