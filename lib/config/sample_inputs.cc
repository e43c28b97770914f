#include "config/sample_inputs.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <utility>

#include "support/codes.h"

namespace qprep {
namespace {

constexpr std::int64_t kMostPixels = 32768;  // along a side
constexpr double kMost = 1e6;                // of a mean or scale

const std::vector<std::pair<std::string, Interpolation>>& interpolations() {
  static const std::vector<std::pair<std::string, Interpolation>> words = {
      {"nearest", Interpolation::kNearest},
      {"bilinear", Interpolation::kBilinear},
      {"bicubic", Interpolation::kBicubic},
      {"area", Interpolation::kArea}};
  return words;
}

const std::vector<std::pair<std::string, SampleColour>>& colours() {
  static const std::vector<std::pair<std::string, SampleColour>> words = {{"rgb", SampleColour::kRgb},
                                                                          {"bgr", SampleColour::kBgr},
                                                                          {"gray", SampleColour::kGray},
                                                                          {"yuv444", SampleColour::kYuv444},
                                                                          {"nv12", SampleColour::kNv12}};
  return words;
}

const std::vector<std::pair<std::string, DType>>& picture_dtypes() {
  static const std::vector<std::pair<std::string, DType>> words = {
      {"float32", DType::kFloat32}, {"uint8", DType::kUInt8}, {"int8", DType::kInt8}};
  return words;
}

const std::vector<std::pair<std::string, DType>>& raw_dtypes() {
  static const std::vector<std::pair<std::string, DType>> words = {
      {"bool", DType::kBool},       {"int8", DType::kInt8},       {"uint8", DType::kUInt8},
      {"int16", DType::kInt16},     {"uint16", DType::kUInt16},   {"int32", DType::kInt32},
      {"uint32", DType::kUInt32},   {"int64", DType::kInt64},     {"uint64", DType::kUInt64},
      {"float16", DType::kFloat16}, {"float32", DType::kFloat32}, {"float64", DType::kFloat64}};
  return words;
}

/// One of the words as what it stands for.
template <typename Value>
std::optional<Value> chosen(YamlMap& map, std::string_view key,
                            const std::vector<std::pair<std::string, Value>>& words) {
  std::vector<std::string> allowed;
  for (const auto& [word, value] : words) allowed.push_back(word);
  const auto word = map.word(key, allowed);
  if (!word) return std::nullopt;
  return std::find_if(words.begin(), words.end(), [&](const auto& each) { return each.first == word->value; })
      ->second;
}

template <typename Number>
std::optional<Number> number_of(const YamlNode& node) {
  Number number = 0;
  const char* end = node.text.data() + node.text.size();
  const auto [stop, error] = std::from_chars(node.text.data(), end, number);
  const bool read = node.kind == YamlNode::Kind::kScalar && !node.quoted && !node.text.empty();
  return read && error == std::errc() && stop == end ? std::optional(number) : std::nullopt;
}

/// What calibration.inputs says of one input.
class InputReader {
 public:
  InputReader(YamlMap map, Diagnostics& diagnostics) : map_(std::move(map)), diagnostics_(diagnostics) {}

  SampleSpec read(const std::string& input) {
    SampleSpec spec{input, map_.where(), std::nullopt, {}};
    PictureRecipe recipe;
    read_resize(recipe);
    if (const auto crop = sizes("crop", 2)) recipe.crop = PixelSize{crop->at(0), crop->at(1)};
    recipe.colour = chosen(map_, "colour", colours());
    if (const auto layout = map_.word("layout", {"NCHW", "NHWC"})) recipe.nhwc = layout->value == "NHWC";
    recipe.dtype = chosen(map_, "dtype", picture_dtypes());
    recipe.mean = numbers("mean", recipe, false);
    recipe.scale = numbers("scale", recipe, true);
    for (const double deviation : numbers("std", recipe, true)) recipe.scale.push_back(1 / deviation);
    check(recipe);
    const bool says_of_pictures = std::any_of(std::begin(kPictureKeys), std::end(kPictureKeys),
                                              [&](const char* key) { return map_.has(key); });
    if (says_of_pictures) spec.picture = std::move(recipe);
    read_raw(spec.raw);
    map_.finish();
    return spec;
  }

 private:
  static constexpr const char* kPictureKeys[] = {"resize", "interpolation", "antialias", "crop", "colour",
                                                 "layout", "mean",          "scale",     "std",  "dtype"};

  void wrong(const YamlNode& node, std::string message) {
    diagnostics_.error(codes::kBadValue, std::move(message), node.where);
  }

  /// A list of so many whole numbers of pixels.
  std::optional<std::vector<std::int64_t>> pixels(YamlMap& map, std::string_view key, const YamlNode& node,
                                                  std::size_t count) {
    std::vector<std::int64_t> found;
    for (const auto& item : node.items) {
      const auto number = number_of<std::int64_t>(*item);
      if (number && *number >= 1 && *number <= kMostPixels) found.push_back(*number);
    }
    if (node.kind == YamlNode::Kind::kList && node.items.size() == count && found.size() == count)
      return found;
    wrong(node, fmt::format("{} must be [height, width], whole numbers from 1 to {}", map.name_of(key),
                            kMostPixels));
    return std::nullopt;
  }

  std::optional<std::vector<std::int64_t>> sizes(std::string_view key, std::size_t count) {
    const YamlNode* node = map_.find(key);
    return node ? pixels(map_, key, *node, count) : std::nullopt;
  }

  void read_resize(PictureRecipe& recipe) {
    const YamlNode* node = map_.find("resize");
    if (const auto interpolation = chosen(map_, "interpolation", interpolations()))
      recipe.interpolation = *interpolation;
    if (const auto antialias = map_.boolean("antialias")) recipe.antialias = antialias->value;
    if (!node) return;
    if (node->kind != YamlNode::Kind::kMap) {
      if (const auto size = pixels(map_, "resize", *node, 2)) {
        recipe.resize = PictureResize{PictureResize::Kind::kStretch, {size->at(0), size->at(1)}};
      }
      return;
    }
    YamlMap map = map_.map("resize");
    const bool letterbox = map.has("letterbox"), short_side = map.has("short_side");
    if (letterbox == short_side) {
      wrong(*node, fmt::format("{} must be [height, width], or a map with either short_side or letterbox",
                               map_.name_of("resize")));
    }
    if (const auto side = map.integer("short_side", 1, kMostPixels))
      recipe.resize = PictureResize{PictureResize::Kind::kShortSide, {side->value, side->value}};
    if (const YamlNode* box = map.find("letterbox")) {
      if (const auto size = pixels(map, "letterbox", *box, 2))
        recipe.resize = PictureResize{PictureResize::Kind::kLetterbox, {size->at(0), size->at(1)}};
    }
    if (const auto fill = map.integer("fill", 0, 255)) {
      if (short_side) wrong(*map.find("fill"), fmt::format("{} is for letterbox", map.name_of("fill")));
      if (recipe.resize) recipe.resize->fill = static_cast<std::uint8_t>(fill->value);
    }
    map.finish();
  }

  /// One number, or a list of one for each channel.
  std::vector<double> numbers(std::string_view key, const PictureRecipe& recipe, bool nonzero) {
    const YamlNode* node = map_.find(key);
    if (!node) return {};
    const bool is_list = node->kind == YamlNode::Kind::kList;
    std::vector<double> found;
    const auto add = [&](const YamlNode& each) {
      const auto number = number_of<double>(each);
      if (number && *number >= -kMost && *number <= kMost && (!nonzero || *number != 0))
        found.push_back(*number);
    };
    for (const auto& item : node->items) add(*item);
    if (!is_list) add(*node);
    const std::size_t count = is_list ? node->items.size() : 1;
    const bool gray = recipe.colour == SampleColour::kGray;
    if (found.size() == count && (count == 1 || (count == 3 && !gray))) return found;
    wrong(*node,
          fmt::format("{} must be one number{}{}", map_.name_of(key),
                      gray ? ": gray pictures have one channel" : ", or a list of three, for the channels",
                      nonzero ? "; it cannot be 0" : ""));
    return {};
  }

  void check(const PictureRecipe& recipe) {
    for (const char* key : {"interpolation", "antialias"}) {
      if (map_.has(key) && !map_.has("resize"))
        wrong(*map_.find(key), fmt::format("{} is of 'resize', which is not there", map_.name_of(key)));
    }
    const bool smooth =
        recipe.interpolation == Interpolation::kBilinear || recipe.interpolation == Interpolation::kBicubic;
    if (map_.has("antialias") && !smooth) {
      wrong(*map_.find("antialias"), fmt::format("{} is for interpolation bilinear and bicubic, not {}",
                                                 map_.name_of("antialias"), to_text(recipe.interpolation)));
    }
    if (map_.has("std") && map_.has("scale")) {
      wrong(*map_.find("std"), fmt::format("only one of {} and {} can be given: the scale is 1 / std",
                                           map_.name_of("scale"), map_.name_of("std")));
    }
    for (const char* key : {"mean", "scale", "std"}) {
      if (map_.has(key) && recipe.dtype == DType::kUInt8)
        wrong(*map_.find(key),
              fmt::format("{} makes no bytes, and {} is uint8", map_.name_of(key), map_.name_of("dtype")));
    }
    if (!recipe.crop || !recipe.resize) return;
    const PixelSize& size = recipe.resize->size;
    if (recipe.crop->height <= size.height && recipe.crop->width <= size.width) return;
    if (recipe.resize->kind == PictureResize::Kind::kShortSide &&
        std::min(recipe.crop->height, recipe.crop->width) <= size.height)
      return;
    wrong(*map_.find("crop"),
          fmt::format("{} is larger than what {} makes", map_.name_of("crop"), map_.name_of("resize")));
  }

  void read_raw(RawNumbers& raw) {
    YamlMap map = map_.map("raw");
    raw.where = map.where();
    raw.dtype = chosen(map, "dtype", raw_dtypes());
    if (const YamlNode* shape = map.find("shape")) {
      Dims dims;
      for (const auto& item : shape->items) {
        const auto size = number_of<std::int64_t>(*item);
        if (size && *size >= 1 && *size <= std::int64_t{1} << 31) dims.push_back(*size);
      }
      if (shape->kind != YamlNode::Kind::kList || dims.size() != shape->items.size()) {
        wrong(*shape,
              fmt::format("{} must be a list of sizes, whole numbers from 1 on", map.name_of("shape")));
      } else {
        raw.shape = std::move(dims);
      }
    }
    map.finish();
  }

  YamlMap map_;
  Diagnostics& diagnostics_;
};

}  // namespace

std::vector<SampleSpec> read_sample_inputs(YamlMap& map, Diagnostics& diagnostics) {
  std::vector<SampleSpec> specs;
  YamlMap inputs = map.map("inputs");
  for (const Placed<std::string>& input : inputs.keys()) {
    InputReader reader(inputs.map(input.value), diagnostics);
    specs.push_back(reader.read(input.value));
    specs.back().where = input.where;
  }
  return specs;
}

std::vector<StateLink> read_state(YamlMap& map, Diagnostics& diagnostics) {
  std::vector<StateLink> links;
  YamlMap state = map.map("state");
  for (const Placed<std::string>& output : state.keys()) {
    const auto input = state.text(output.value);
    if (!input) continue;
    const auto same = [&](const StateLink& link) { return link.input == input->value; };
    if (std::any_of(links.begin(), links.end(), same)) {
      diagnostics.error(
          codes::kBadValue,
          fmt::format("{}: two outputs cannot become the input '{}'", map.name_of("state"), input->value),
          input->where);
    }
    links.push_back({output.value, input->value, output.where});
  }
  return links;
}

}  // namespace qprep
