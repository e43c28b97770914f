#include "config/replacements.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

constexpr std::string_view kExact = "bit for bit";
constexpr std::string_view kOrder = "the same products, perhaps summed in another order";

constexpr std::array kReplacements = {
    Replacement{"interpolate", "Resize to sizes becomes Resize by constant scales", kExact},
    Replacement{"sum-to-add", "Sum becomes a chain of Add, the first two first", kExact},
    Replacement{"flatten-to-reshape", "Flatten becomes Reshape", kExact},
    Replacement{"squeeze-to-reshape", "Squeeze becomes Reshape", kExact},
    Replacement{"unsqueeze-to-reshape", "Unsqueeze becomes Reshape", kExact},
    Replacement{"div-to-mul", "Div by a constant becomes Mul by its reciprocal",
                "bit for bit where all of the constant is powers of two; else within 1.5 ulp"},
    Replacement{"div-to-reciprocal", "Div becomes Mul by the Reciprocal of the divisor",
                "within 1.5 ulp, where neither the divisor nor its reciprocal is beyond the normal numbers"},
    Replacement{"pow-to-mul", "Pow by the constant 2 becomes Mul of the base by itself",
                "bit for bit, but for what the runtime's Pow rounds otherwise (1 ulp)"},
    Replacement{"max-to-relu", "Max of data and the constant 0 becomes Relu", kExact},
    Replacement{"reduce-mean-to-pool",
                "ReduceMean over height and width becomes GlobalAveragePool, with a Reshape behind it where "
                "the axes go",
                kOrder},
    Replacement{"reduce-to-kept-axes",
                "ReduceMean, ReduceMax and ReduceSum that drop their axes keep them, with a Reshape behind",
                kExact},
    Replacement{"matmul-to-one-rank",
                "a MatMul's constant gets as many axes as the data have, the first ones 1", kExact},
    Replacement{"concat-to-four-axes", "Concat of two or three axes joins over four, between Reshapes",
                kExact},
    Replacement{"softmax-to-four-axes", "Softmax over two or three axes runs over four, between Reshapes",
                kExact},
    Replacement{"pool-to-global",
                "AveragePool and MaxPool of all there is become GlobalAveragePool and GlobalMaxPool", kOrder},
    Replacement{"pad-to-conv",
                "Pad with channels of zeros becomes a 1x1 Conv with a weight of ones and zeros",
                "bit for bit, but for infinity and NaN, which become NaN in all channels"},
    Replacement{"conv-to-dilated",
                "a Conv whose kernel is zero but for every n-th element becomes a Conv with dilation n",
                "the same products but for those with zero, perhaps summed in another order"},
    Replacement{"conv-transpose-to-conv",
                "a ConvTranspose of stride 1 becomes a Conv with the kernel turned round", kOrder},
    Replacement{"gemm-to-conv", "Gemm by a constant becomes a 1x1 Conv between Reshapes",
                "the same products, perhaps summed in another order; alpha and beta are multiplied into the "
                "constants (1 ulp)"},
    Replacement{"batch-norm-to-conv",
                "a BatchNormalization that no layer took up becomes a depthwise 1x1 Conv",
                "factor and shift are rounded once: within 4 ulp of |factor x| + |shift|"},
    Replacement{"mul-to-conv", "Mul by a constant for each channel becomes a depthwise 1x1 Conv", kExact},
    Replacement{"where-to-mul", "Where of a constant condition, one side constant, becomes Mul and Add",
                "bit for bit where the other side is finite; NaN and infinite elements that the condition "
                "hides become NaN"},
    Replacement{"compare-to-not", "GreaterOrEqual becomes Not of Less, LessOrEqual Not of Greater",
                "the same but for NaN, of which both are true"},
    Replacement{"softmax-to-parts", "Softmax becomes ReduceMax, Sub, Exp, ReduceSum, Reciprocal and Mul",
                "within some ulp of exp, sum and reciprocal: 1e-6 relative"},
    Replacement{"log-softmax-to-parts", "LogSoftmax becomes ReduceMax, Sub, Exp, ReduceSum, Log and Sub",
                "within some ulp of exp, sum and log: 1e-6 of the largest magnitude"},
    Replacement{
        "layer-norm-to-parts",
        "LayerNormalization becomes ReduceMean, Sub, Mul, ReduceMean, Add, Sqrt, Reciprocal, Mul and Add",
        "within some ulp of the sums: 1e-5 of the largest magnitude"},
    Replacement{"rms-norm-to-parts",
                "RMSNormalization becomes Mul, ReduceMean, Add, Sqrt, Reciprocal and Mul",
                "within some ulp of the sums: 1e-5 of the largest magnitude"},
    Replacement{"instance-norm-to-parts",
                "InstanceNormalization becomes ReduceMean, Sub, Mul, ReduceMean, Add, Sqrt, Reciprocal, Mul "
                "and Add",
                "within some ulp of the sums: 1e-5 of the largest magnitude"},
    Replacement{"group-norm-to-parts",
                "GroupNormalization becomes the parts of a LayerNormalization between Reshapes",
                "within some ulp of the sums: 1e-5 of the largest magnitude"},
    Replacement{"reduce-l1-to-parts", "ReduceL1 becomes Abs and ReduceSum", kOrder},
    Replacement{"reduce-l2-to-parts", "ReduceL2 becomes Mul, ReduceSum and Sqrt", kOrder},
};

std::vector<std::string> known_names() {
  std::vector<std::string> names;
  for (const Replacement& each : kReplacements) names.emplace_back(each.name);
  return names;
}

}  // namespace

std::span<const Replacement> replacements() { return kReplacements; }

std::string did_you_mean_to_replace(std::string_view word) {
  const std::string none = did_you_mean(word, {"none"});
  const auto name = nearest(word, known_names());
  return none.empty() && name ? fmt::format(" (did you mean [{}]?)", *name) : none;
}

std::vector<std::string> read_replacements(YamlMap& map, std::string_view key, Diagnostics& diagnostics) {
  const std::vector<std::string> known = known_names();
  std::vector<std::string> names;
  for (const Placed<std::string>& name : map.texts(key)) {
    if (std::find(known.begin(), known.end(), name.value) == known.end()) {
      diagnostics.error(codes::kBadValue,
                        fmt::format("{}: there is no replacement '{}'{}; there are {}", map.name_of(key),
                                    name.value, did_you_mean(name.value, known), join(known, ", ")),
                        name.where);
    } else if (std::find(names.begin(), names.end(), name.value) != names.end()) {
      diagnostics.error(codes::kBadValue, fmt::format("{} names '{}' twice", map.name_of(key), name.value),
                        name.where);
    } else {
      names.push_back(name.value);
    }
  }
  return names;
}

}  // namespace qprep
