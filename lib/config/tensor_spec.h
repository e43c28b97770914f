#pragma once

#include <string>
#include <vector>

#include "config/reading.h"
#include "plan/setting.h"

namespace qprep {

/// What a specification is of; a bias is never quantised apart from its input and weight.
enum class SpecOf { kActivation, kWeight, kBias };

/// Reads how one tensor is quantised, as PyTorch's QuantizationSpec says it and the arguments of FakeQuantize
/// do: null (float), a dtype, or a map of dtype, qscheme, quant_min, quant_max, ch_axis, observer, ...
/// `what` names it in messages: "quantizers[0].global weight". Mistakes and what cannot be carried out yet go
/// to `reading`.
std::vector<Placed<Says>> read_tensor_spec(const YamlNode& node, SpecOf of, const std::string& what,
                                           const Reading& reading);

/// "qint8", "torch.int16", "float": nullopt, after saying why, for other words and for what cannot be carried
/// out yet.
std::optional<Precision> read_dtype(const YamlNode& node, const std::string& what, const Reading& reading);

/// The name of an observer of configs/qconfigs.yaml; nullopt, after saying why, for another word. `what`
/// begins the sentence.
std::optional<std::string> observer_word(const YamlNode& node, const std::string& what,
                                         const Reading& reading);

/// The words that read_dtype() knows, and those that it understands besides.
bool is_dtype(const std::string& word);

}  // namespace qprep
