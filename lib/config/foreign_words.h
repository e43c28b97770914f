#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/yaml_reader.h"
#include "plan/plan.h"

/// configs/qconfigs.yaml: the words of PyTorch, Horizon's plugin and MQBench for how a tensor is
/// quantised. The file explains its keys.
namespace qprep {

struct PredefinedQconfig {
  Precision activation = Precision::kInt8;  // kFloat32: the result stays at high precision
  Precision weight = Precision::kInt8;
  std::string not_yet;  // what cannot be carried out; empty: nothing
};

struct ObserverWord {
  std::optional<std::string> name;       // as qprep calls it; nullopt: not carried out yet
  std::optional<bool> per_channel = {};  // the one kind of scale that it gives
  std::optional<double> averaging_constant = {};
};

template <typename T>
using WordMap = std::map<std::string, T, std::less<>>;

struct ForeignWords {
  WordMap<PredefinedQconfig> qconfigs;
  WordMap<ObserverWord> observers, mqbench_observers;
  WordMap<bool> fake_quants, mqbench_fake_quants;                     // whether they can be carried out
  std::vector<std::pair<std::string, std::string>> mqbench_backends;  // and its march; empty: none yet
  WordMap<std::shared_ptr<const YamlNode>> quantization_configs;
};

/// Throws Fatal: the file cannot be read, or has mistakes.
const ForeignWords& foreign_words();

/// The keys, in alphabetical order.
template <typename T>
std::vector<std::string> words_of(const WordMap<T>& map) {
  std::vector<std::string> words;
  for (const auto& [word, value] : map) words.push_back(word);
  return words;
}

}  // namespace qprep
