#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qprep {

/// What a type of a configuration for PyTorch is in an ONNX file, by configs/torch_names.yaml: a class
/// ("torch.nn.Conv2d", "nn.Conv2d", "Conv2d"), a function ("torch.add", "F.relu", "operator.add", "add"), or
/// an ONNX operator as it is ("Conv", "com.microsoft::FusedConv").
struct TorchType {
  std::vector<std::string> operators;  // the words of a selector by type: "Conv2d", "Gemm"
};

/// Throws Fatal: the table cannot be read, or has mistakes.
/// nullopt: PyTorch has no such class or function that exporters make operators of.
std::optional<TorchType> torch_type(std::string_view word);

/// For a word that torch_type() does not know: why, with the nearest that it does.
std::string why_no_torch_type(std::string_view word);

}  // namespace qprep
