#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "config/march.h"
#include "support/diagnostics.h"

namespace qprep {

/// What a target can do with an operator.
struct OperatorSupport {
  std::string op;        // "Conv", "com.microsoft::FusedConv"
  std::string op_class;  // "gemm_like"
  std::string when;      // "training_mode is 1"; empty: unless another case of it holds
  std::string data;      // the inputs that carry data: "0, 1", "all"; empty: none
  /// The precisions that a configuration can give, "qint8", "qint16" and "float32"; empty: none, or those
  /// of the operator's data.
  std::vector<std::string> inputs, weight, output;
  std::string why;
};

struct TargetSupport {
  March march;
  std::vector<std::string> only;           // the operators asked for; empty: all
  std::vector<OperatorSupport> operators;  // by class, then by name; the cases of one stand together
};

/// What the target supports today: PyTorch's get_supported_operators. `configs`: the folder that holds
/// op_classes.yaml. `only`: the operators to speak of; empty: all. Given: there is such a march.
/// Throws Fatal: an operator that nothing is known of.
TargetSupport target_support(const std::string& march, const std::filesystem::path& configs,
                             const std::vector<std::string>& only);

std::string to_text(const TargetSupport& support);
nlohmann::ordered_json to_json(const TargetSupport& support);

}  // namespace qprep
