#include "config/hb_inputs.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "config/quote.h"
#include "support/text.h"

namespace qprep {
namespace {

constexpr std::string_view kGroup = "input_parameters";

Colour colour_of(std::string_view word) {
  if (word == "rgb") return Colour::kRgb;
  if (word == "bgr") return Colour::kBgr;
  if (word == "gray") return Colour::kGray;
  if (word == "featuremap") return Colour::kFeatureMap;
  return Colour::kYuv444;
}

/// 0: as many as the model's input has.
std::size_t channels_of(Colour colour) {
  return colour == Colour::kFeatureMap ? 0 : colour == Colour::kGray ? 1 : 3;
}

class Reader {
 public:
  Reader(const HbFile& file, const HbKeys& keys, const Findings& findings)
      : file_(file), keys_(keys), findings_(findings) {}

  std::vector<InputPreprocessing> read() {
    const HbValue* names = file_.find(kGroup, "input_name");
    const HbValue* trained = file_.find(kGroup, "input_type_train");
    const HbValue* counted = names ? names : trained;
    const std::size_t count = counted ? counted->parts.size() : 1;
    for (const HbValue& value : file_.values()) {
      if (value.key->group == kGroup && counted) check_count(value, *counted);
    }
    std::vector<InputPreprocessing> inputs(count);
    for (std::size_t i = 0; i < count; ++i) read_input(i, inputs[i]);
    return inputs;
  }

 private:
  void check_count(const HbValue& value, const HbValue& counted) {
    const HbKind kind = value.key->kind;
    const bool for_each = kind == HbKind::kWords || kind == HbKind::kShapes || kind == HbKind::kIntegers ||
                          kind == HbKind::kNumbers;
    if (!for_each || value.parts.size() == counted.parts.size()) return;
    findings_.wrong(
        fmt::format("'{}' has {} values, and '{}' has {}: one for each input, separated by ';'",
                    value.key->path(), value.parts.size(), counted.key->path(), counted.parts.size()),
        value.where);
  }

  void read_input(std::size_t i, InputPreprocessing& input) {
    input.input = word("input_name", i);
    const HbValue* fed = file_.find(kGroup, "input_type_rt");
    input.where = fed ? fed->where : file_.where();
    const std::string trained_word = word("input_type_train", i);
    input.fed_word = word("input_type_rt", i);
    read_shape(i, input);
    if (!trained_word.empty()) input.trained = colour_of(trained_word);
    read_norm(i, input);
    if (trained_word.empty() || input.fed_word.empty()) return;
    input.fed = colour_of(input.fed_word);
    check_conversion(trained_word, input);
    read_range(i, input);
    const std::string layout = word("input_layout_train", i), layout_rt = word("input_layout_rt", i);
    input.trained_nhwc = layout == "NHWC";
    // What a camera writes as nv12 has a layout of its own: the model's input keeps that of the training.
    const bool has_layout = !layout_rt.empty() && input.fed_word != "nv12";
    input.fed_nhwc = has_layout ? layout_rt == "NHWC" : input.trained_nhwc;
  }

  void check_conversion(const std::string& trained, const InputPreprocessing& input) {
    const auto& conversions = keys_.conversions(file_.tool());
    const auto allowed = conversions.find(trained);
    if (allowed == conversions.end() ||
        std::find(allowed->second.begin(), allowed->second.end(), input.fed_word) != allowed->second.end()) {
      return;
    }
    findings_.wrong(fmt::format("'input_parameters.input_type_rt' must be one of {} where 'input_type_train' "
                                "is {}, not {}",
                                join(allowed->second, ", "), trained, quote(input.fed_word)),
                    input.where);
  }

  void read_range(std::size_t i, InputPreprocessing& input) {
    input.video_range = input.fed_word == "yuv420sp_bt601_video";
    if (word("input_space_and_range", i) != "bt601_video") return;
    input.video_range = true;
    if (input.fed_word == "nv12") return;
    findings_.wrong(fmt::format("'input_parameters.input_space_and_range' is bt601_video only where "
                                "'input_type_rt' is nv12, not {}",
                                quote(input.fed_word)),
                    file_.find(kGroup, "input_space_and_range")->where);
  }

  void read_shape(std::size_t i, InputPreprocessing& input) {
    const HbValue* value = file_.find(kGroup, "input_shape");
    if (!value || i >= value->parts.size() || value->parts[i].empty()) return;
    Dims dims;
    for (const std::string& size : split(value->parts[i], "xX")) {
      std::int64_t number = 0;
      const auto [stop, error] = std::from_chars(size.data(), size.data() + size.size(), number);
      if (error != std::errc() || stop != size.data() + size.size() || number <= 0) {
        return findings_.wrong(
            fmt::format("'input_parameters.input_shape' must be sizes separated by 'x' (1x3x224x224), not {}",
                        quote(value->parts[i])),
            value->where);
      }
      dims.push_back(number);
    }
    input.shape = std::move(dims);
  }

  void read_norm(std::size_t i, InputPreprocessing& input) {
    const auto mean = numbers("mean_value", i), scale = numbers("scale_value", i);
    const auto deviation = numbers("std_value", i);
    if (mean) input.mean = *mean;
    if (scale) input.scale = *scale;
    if (deviation && scale && i == 0) {
      findings_.wrong("only one of 'scale_value' and 'std_value' can be given: the scale is 1 / std",
                      file_.find(kGroup, "std_value")->where);
    } else if (deviation) {
      for (const double each : *deviation) input.scale.push_back(1 / each);
    }
    check_numbers("mean_value", mean, input, false);
    check_numbers("scale_value", scale, input, true);
    check_numbers("std_value", deviation, input, true);
    if (file_.tool() == HbTool::kMapper) check_norm_type(i, mean.has_value(), scale.has_value());
  }

  void check_numbers(std::string_view name, const std::optional<std::vector<double>>& numbers,
                     const InputPreprocessing& input, bool nonzero) {
    if (!numbers) return;
    const Where& where = file_.find(kGroup, name)->where;
    const std::size_t channels = channels_of(input.trained);
    const bool fits =
        numbers->size() == 1 || (channels == 0 ? !numbers->empty() : numbers->size() == channels);
    if (!fits) {
      findings_.wrong(fmt::format("'input_parameters.{}' has {} numbers for one input; write one, or one for "
                                  "each of its {} channels",
                                  name, numbers->size(), channels),
                      where);
    }
    if (nonzero && std::find(numbers->begin(), numbers->end(), 0.0) != numbers->end()) {
      findings_.wrong(fmt::format("'input_parameters.{}' cannot be 0", name), where);
    }
  }

  void check_norm_type(std::size_t i, bool has_mean, bool has_scale) {
    const std::string norm = word("norm_type", i);
    if (norm.empty()) return;
    check_wanted(norm, "mean_value", norm.starts_with("data_mean"), has_mean);
    check_wanted(norm, "scale_value", norm.ends_with("scale"), has_scale);
  }

  void check_wanted(const std::string& norm, std::string_view name, bool wanted, bool given) {
    if (wanted == given) return;
    const HbValue* value = file_.find(kGroup, given ? name : "norm_type");
    if (!given && file_.gives(kGroup, name) && !file_.find(kGroup, name)) return;
    findings_.wrong(given
                        ? fmt::format("'input_parameters.{}' is given, but 'norm_type' is {}", name, norm)
                        : fmt::format("'norm_type' is {}, but there is no 'input_parameters.{}'", norm, name),
                    value->where);
  }

  std::string word(std::string_view name, std::size_t i) const {
    const HbValue* value = file_.find(kGroup, name);
    return value && i < value->parts.size() ? value->parts[i] : "";
  }

  std::optional<std::vector<double>> numbers(std::string_view name, std::size_t i) const {
    const HbValue* value = file_.find(kGroup, name);
    return value && i < value->numbers.size() ? value->numbers[i] : std::nullopt;
  }

  const HbFile& file_;
  const HbKeys& keys_;
  const Findings& findings_;
};

}  // namespace

std::vector<InputPreprocessing> read_hb_inputs(const HbFile& file, const HbKeys& keys,
                                               const Findings& findings) {
  return Reader(file, keys, findings).read();
}

}  // namespace qprep
