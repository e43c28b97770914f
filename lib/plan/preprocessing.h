#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ir/tensor.h"
#include "support/diagnostics.h"

namespace qprep {

/// What the channels of a picture are; kFeatureMap: no picture.
enum class Colour { kRgb, kBgr, kYuv444, kGray, kFeatureMap };

/// What stands between what the target hands to a model and what the model was trained on.
/// docs/config_hb_mapper.md, "The preprocessing", has the formulas.
struct InputPreprocessing {
  std::string input;  // the model's; empty: the one at this place among those that must be fed
  Where where;
  Colour trained = Colour::kFeatureMap;
  Colour fed = Colour::kFeatureMap;  // nv12 comes as kYuv444
  std::string fed_word;              // as the configuration calls it: "nv12"
  bool video_range = false;          // of yuv: 16..235 instead of 0..255
  bool trained_nhwc = false, fed_nhwc = false;
  std::optional<Dims> shape;        // for sizes that the model leaves open, in the layout of training
  std::vector<double> mean, scale;  // for each channel, or one for all; empty: none

  bool is_picture() const { return trained != Colour::kFeatureMap; }
};

}  // namespace qprep
