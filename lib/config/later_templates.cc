#include "config/later_templates.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <memory>
#include <utility>

#include "config/quote.h"
#include "config/selector.h"
#include "config/sensitive_op.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

/// Operators by the vendor's templates: torch's Conv1d to 3d, transposed ones and Linear are these in a file.
const std::vector<std::string> kConvs = {"Conv", "ConvTranspose"};

class LaterTemplates {
 public:
  LaterTemplates(const UsualPrecision& usual, EntryReader& reader, Diagnostics& diagnostics)
      : usual_(usual), reader_(reader), diagnostics_(diagnostics) {}

  std::vector<Setting> read(const YamlNode& entry) {
    if (entry.kind != YamlNode::Kind::kMap || entry.entries.size() != 1) {
      return reader_.read_entry(entry, "templates");
    }
    const YamlNode::Entry& only = entry.entries.front();
    std::vector<Setting> settings;
    if (only.key == "ModuleNameTemplate") {
      read_names(*only.value, settings);
    } else if (only.key == "ConvDtypeTemplate") {
      read_types(*only.value, only.key, kConvs, "input_dtype", settings);
    } else if (only.key == "MatmulDtypeTemplate") {
      read_types(*only.value, only.key, {"MatMul"}, "input_dtypes", settings);
    } else if (only.key == "SensitivityTemplate") {
      read_sensitivity(*only.value, settings);
    } else {
      return reader_.read_entry(entry, "templates");
    }
    return settings;
  }

 private:
  /// A name speaks of all that is in its scope, "" of everything; of two that speak of one node, the longer
  /// one wins.
  void read_names(const YamlNode& map, std::vector<Setting>& settings) {
    if (map.kind != YamlNode::Kind::kMap || map.entries.empty()) {
      const bool empty = map.kind == YamlNode::Kind::kMap;
      return reader_.spec().wrong(
          fmt::format("'ModuleNameTemplate' must be a map from names to settings, not {}",
                      empty ? "an empty one" : describe(map)),
          map.where);
    }
    std::vector<const YamlNode::Entry*> entries;
    for (const YamlNode::Entry& entry : map.entries) entries.push_back(&entry);
    const auto longer = [](const YamlNode::Entry* a, const YamlNode::Entry* b) {
      return path_of(a->key).size() > path_of(b->key).size();
    };
    std::stable_sort(entries.begin(), entries.end(), longer);
    for (const YamlNode::Entry* entry : entries) {
      Selector selector;
      selector.kind = entry->key.empty() ? Selector::Kind::kAll : Selector::Kind::kName;
      selector.text = entry->key;
      if (!entry->key.empty() && !reader_.is_selector(selector, entry->where)) continue;
      reader_.spec().read(selector, *entry->value, entry->where,
                          fmt::format("ModuleNameTemplate {}", quote(entry->key)), std::nullopt, settings);
    }
  }

  /// One setting an operator type; an operator that the model lacks is no mistake.
  void read_types(const YamlNode& node, const std::string& name, const std::vector<std::string>& types,
                  const std::string& inputs_key, std::vector<Setting>& settings) {
    YamlMap map(node, name, diagnostics_);
    const YamlNode* inputs = map.find(inputs_key);
    const YamlNode* weight = name == "ConvDtypeTemplate" ? map.find("weight_dtype") : nullptr;
    map.finish();
    if (node.kind != YamlNode::Kind::kMap) return;
    if (!inputs && !weight) {
      return reader_.spec().wrong(fmt::format("'{}' says nothing; it has {}{}", name, inputs_key,
                                              name == "ConvDtypeTemplate" ? " and weight_dtype" : ""),
                                  node.where);
    }
    YamlNode spec;
    spec.kind = YamlNode::Kind::kMap;
    spec.where = node.where;
    const auto say = [&](std::string key, const YamlNode* value) {
      if (!value) return;
      spec.entries.push_back({std::move(key), value->where, std::make_shared<const YamlNode>(*value)});
    };
    say("input", inputs);
    say("weight", weight);
    for (const std::string& type : types) {
      Selector selector;
      selector.kind = Selector::Kind::kType;
      selector.text = type;
      selector.optional = true;
      const Diagnostics before = diagnostics_;
      reader_.spec().read(selector, spec, node.where, name, std::nullopt, settings);
      if (diagnostics_.count(Severity::kError) > before.count(Severity::kError)) return;
    }
  }

  /// The words of the vendor's class for those of sensitive_op.
  void read_sensitivity(const YamlNode& node, std::vector<Setting>& settings) {
    const std::vector<std::pair<std::string, std::string>> words = {{"sensitive_table", "table"},
                                                                    {"sensitive_type", "type"},
                                                                    {"low_precision_dtype", "from"},
                                                                    {"high_precision_dtype", "dtype"}};
    YamlNode translated = node;
    for (YamlNode::Entry& entry : translated.entries) {
      for (const auto& [theirs, ours] : words) {
        if (entry.key == theirs) entry.key = ours;
      }
      // A whole number counts rows, a fraction is a part of them.
      if (entry.key == "topk_or_ratio") {
        const auto number = number_of(*entry.value);
        const bool counts = number && entry.value->text.find('.') == std::string::npos;
        if (!number || *number <= 0 || (!counts && *number > 1)) {
          return reader_.spec().wrong(fmt::format("'SensitivityTemplate.topk_or_ratio' must be a whole "
                                                  "number of rows, or a number above 0 and "
                                                  "not above 1, not {}",
                                                  describe(*entry.value)),
                                      entry.value->where);
        }
        entry.key = counts ? "topk" : "ratio";
      }
    }
    read_sensitive_op({translated, nullptr, "SensitivityTemplate"}, usual_, reader_.spec(), diagnostics_,
                      settings);
  }

  const UsualPrecision& usual_;
  EntryReader& reader_;
  Diagnostics& diagnostics_;
};

}  // namespace

std::vector<Setting> read_later_templates(const YamlNode& list, const UsualPrecision& usual,
                                          EntryReader& reader, Diagnostics& diagnostics) {
  if (list.kind != YamlNode::Kind::kList) {
    reader.spec().wrong(
        fmt::format("'templates' must be a list, of which the last that speaks of a slot wins, not {}",
                    describe(list)),
        list.where);
    return {};
  }
  LaterTemplates templates(usual, reader, diagnostics);
  std::vector<std::vector<Setting>> groups;
  for (const auto& entry : list.items) groups.push_back(templates.read(*entry));
  std::vector<Setting> settings;
  for (auto group = groups.rbegin(); group != groups.rend(); ++group) {
    settings.insert(settings.end(), std::make_move_iterator(group->begin()),
                    std::make_move_iterator(group->end()));
  }
  return settings;
}

}  // namespace qprep
