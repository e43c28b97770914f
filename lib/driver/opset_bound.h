#pragma once

#include <filesystem>

#include "config/config.h"
#include "driver/rules.h"
#include "ir/graph.h"
#include "passes/modernise.h"

namespace qprep {

/// How far composite operators may raise the model's operator set: as far as the configuration allows, or
/// less where a node cannot be raised as far as they ask for. That is tried out on the model as it is in the
/// file, since raising leaves a model that it refuses half done.
OpsetBound opset_bound(const Config& config, const Rules& rules, const Model& model,
                       const std::filesystem::path& file);

}  // namespace qprep
