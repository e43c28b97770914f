#pragma once

#include <filesystem>
#include <vector>

#include "config/config.h"
#include "config/op_classes.h"
#include "onnx_io/onnx_file.h"
#include "passes/insert_preprocessing.h"
#include "plan/plan.h"

/// What the configurations of other tools do to a model before the passes see it, and say of the plan.
namespace qprep {

/// The model's file: `named` on the command line, or the configuration's. Throws Fatal (missing-key) if
/// neither names one.
std::filesystem::path model_file(const Config& config, const std::filesystem::path& named);

/// Result: the ends that the configuration cuts off are gone, and its preprocessing stands before the model;
/// in the settings of `config`, pictures come with the scale 1, before all others, and the results of active
/// nodes that it wants on the BPU are quantised like the rest, so that they are no tail. Given: shapes are
/// inferred; they are again afterwards. Throws Fatal for what does not fit the model.
std::vector<PreparedInput> configure_model(Config& config, OnnxFile& file, const OpClasses& op_classes,
                                           Diagnostics& diagnostics);

/// Says which nodes the configuration wants on the BPU in vain.
void check_wanted_devices(const Config& config, const Model& model, const Plan& plan,
                          Diagnostics& diagnostics);

/// An error for each node that the configuration's method refuses: with symbolic, control flow that depends
/// on data. Given: constants are folded.
void check_method(const Config& config, const Model& model, const OpClasses& op_classes,
                  Diagnostics& diagnostics);

}  // namespace qprep
