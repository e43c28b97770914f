#include "config/ways.h"

#include <algorithm>
#include <fmt/format.h>
#include <string_view>

#include "config/mqbench.h"
#include "config/qconfig_dict.h"
#include "config/quantizers.h"
#include "support/codes.h"

namespace qprep {
namespace {

/// A way of writing precision: the keys that it uses.
using Way = std::vector<std::string_view>;

const std::vector<Way>& ways() {
  static const std::vector<Way> all = {{"qconfig_setter", "templates", "hybrid", "weights", "activations"},
                                       {"qconfig_dict", "hybrid_dict"},
                                       {"quantizers"},
                                       {"extra_qconfig_dict", "extra_quantizer_dict", "extra_fuse_dict",
                                        "backend", "prepare_custom_config_dict"}};
  return all;
}

const Way* way_of(std::string_view key) {
  for (const Way& way : ways()) {
    if (std::find(way.begin(), way.end(), key) != way.end()) return &way;
  }
  return nullptr;
}

void check_one_way(const YamlMap& file, Diagnostics& diagnostics) {
  const Way* first = nullptr;
  Placed<std::string> first_key;
  for (const Placed<std::string>& key : file.keys()) {
    const Way* way = way_of(key.value);
    if (!way || way == first) continue;
    if (first) {
      diagnostics.error(
          codes::kMixedForms,
          fmt::format("'{}' and '{}' in line {} are two ways of writing precision; a file uses one",
                      key.value, first_key.value, first_key.where.line),
          key.where);
    } else {
      first = way;
      first_key = key;
    }
  }
}

}  // namespace

std::vector<Setting> read_other_ways(YamlMap& file, Diagnostics& diagnostics, Diagnostics& not_yet) {
  check_one_way(file, diagnostics);
  std::vector<Setting> settings;
  for (const auto read : {read_qconfig_dict, read_quantizers, read_mqbench}) {
    const std::vector<Setting> more = read(file, diagnostics, not_yet);
    settings.insert(settings.end(), more.begin(), more.end());
  }
  return settings;
}

std::optional<Placed<std::string>> precision_key(const YamlMap& file) {
  for (const Placed<std::string>& key : file.keys()) {
    if (key.value == "qconfig_setter" || key.value == "templates" || key.value == "quantizers") return key;
    const Way* way = way_of(key.value);
    if (way && way != &ways().front()) return Placed<std::string>{std::string(way->front()), key.where};
  }
  return std::nullopt;
}

}  // namespace qprep
