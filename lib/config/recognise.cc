#include "config/recognise.h"

#include <algorithm>
#include <array>

namespace qprep {
namespace {

constexpr std::array<std::string_view, 4> kHbGroups = {"model_parameters", "input_parameters",
                                                       "calibration_parameters", "compiler_parameters"};
constexpr std::array<std::string_view, 4> kHmctSections = {"model_config", "op_config", "subgraph_config",
                                                           "node_config"};
constexpr std::array<std::string_view, 22> kOwnKeys = {"version",
                                                       "march",
                                                       "method",
                                                       "replace",
                                                       "output",
                                                       "bn",
                                                       "fuse",
                                                       "patterns",
                                                       "calibration",
                                                       "weights",
                                                       "activations",
                                                       "hybrid",
                                                       "templates",
                                                       "qconfig_setter",
                                                       "qconfig_dict",
                                                       "hybrid_dict",
                                                       "quantizers",
                                                       "extra_qconfig_dict",
                                                       "extra_quantizer_dict",
                                                       "extra_fuse_dict",
                                                       "backend",
                                                       "prepare_custom_config_dict"};

template <std::size_t N>
bool holds(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

template <std::size_t N>
bool has_any(const YamlNode& root, const std::array<std::string_view, N>& keys) {
  return std::any_of(root.entries.begin(), root.entries.end(),
                     [&](const YamlNode::Entry& entry) { return holds(keys, entry.key); });
}

}  // namespace

bool is_hb_file(const YamlNode& root) { return has_any(root, kHbGroups); }

bool is_hmct_file(const YamlNode& root) { return !is_hb_file(root) && has_any(root, kHmctSections); }

bool is_own_key(std::string_view key) { return holds(kOwnKeys, key); }

}  // namespace qprep
