#include "config/fusing.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <utility>

#include "config/config_folder.h"
#include "config/quote.h"
#include "config/selector.h"
#include "config/sequence_words.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

constexpr std::string_view kEager = "eager";

class Reader {
 public:
  explicit Reader(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  Fusing read(YamlMap& file, const Placed<std::string>& method) {
    fusing_.eager = method.value == kEager;
    if (fusing_.eager) fusing_.only_lists = method.where;
    if (const auto word = file.word("bn", {"fuse", "with_bn"})) {
      fusing_.batch_norms = {word->value == "fuse" ? BatchNorms::kFold : BatchNorms::kKeep, word->where};
    }
    if (const YamlNode* fuse = file.find("fuse")) read_fuse(*fuse);
    if (file.has("patterns")) read_patterns(file.map("patterns"));
    read_mqbench(file);
    return std::move(fusing_);
  }

 private:
  void wrong(std::string message, const Where& where) {
    diagnostics_.error(codes::kBadValue, std::move(message), where);
  }

  void read_fuse(const YamlNode& node) {
    if (node.kind == YamlNode::Kind::kScalar) return read_word(node);
    if (node.kind != YamlNode::Kind::kList) {
      return wrong(
          fmt::format("'fuse' must be all, none or a list of lists of names, not {}", describe(node)),
          node.where);
    }
    if (node.items.empty()) return;
    if (!fusing_.only_lists) fusing_.only_lists = node.where;
    const auto is_name = [](const auto& item) { return item->kind == YamlNode::Kind::kScalar; };
    // One list alone needs no list around it, as in PyTorch.
    if (std::all_of(node.items.begin(), node.items.end(), is_name)) return read_list(node);
    for (const auto& item : node.items) read_list(*item);
  }

  void read_word(const YamlNode& node) {
    const bool all = node.text == "all";
    if (all && fusing_.eager) {
      return wrong("'fuse: all' contradicts 'method: eager', which fuses what is listed and nothing else",
                   node.where);
    }
    if (!all && node.text != "none") {
      return wrong(fmt::format("'fuse' must be all, none or a list of lists of names, not {}{}",
                               describe(node), did_you_mean(node.text, {"all", "none"})),
                   node.where);
    }
    if (!all) fusing_.only_lists = node.where;
  }

  void read_list(const YamlNode& node) {
    if (node.kind != YamlNode::Kind::kList) {
      return wrong(fmt::format("an item of 'fuse' must be a list of names, not {}", describe(node)),
                   node.where);
    }
    FuseList list{{}, node.where};
    for (const auto& item : node.items) {
      if (item->kind != YamlNode::Kind::kScalar || item->text.empty()) {
        wrong(fmt::format("a list of 'fuse' holds names, not {}", describe(*item)), item->where);
      } else if (const auto error = selector_error(item->text)) {
        wrong(*error, item->where);
      } else if (const auto [at, is_new] = names_.emplace(item->text, item->where.line); !is_new) {
        wrong(fmt::format("{} stands twice in 'fuse'; it already stands in line {}", quote(item->text),
                          at->second),
              item->where);
      } else {
        list.names.push_back({item->text, item->where});
      }
    }
    if (node.items.size() < 2) {
      return wrong("a list of 'fuse' has two names or more, which follow one another in the model",
                   node.where);
    }
    fusing_.lists.push_back(std::move(list));
  }

  /// `extra_fuse_dict.patterns`, at its place in MQBench's dictionaries.
  void read_mqbench(YamlMap& file) {
    const YamlNode* wrapper = file.find("prepare_custom_config_dict");
    if (wrapper && wrapper->kind == YamlNode::Kind::kMap) {
      Diagnostics said_by_its_reader;
      YamlMap inner(*wrapper, "prepare_custom_config_dict", said_by_its_reader);
      read_fuse_dict(inner);
    }
    read_fuse_dict(file);
  }

  void read_fuse_dict(YamlMap& file) {
    const YamlNode* dict = file.find("extra_fuse_dict");
    if (!dict || dict->kind != YamlNode::Kind::kMap) return;
    for (const YamlNode::Entry& entry : dict->entries) {
      if (entry.key == "patterns") {
        read_patterns(YamlMap(*entry.value, "extra_fuse_dict.patterns", diagnostics_));
      }
    }
  }

  void read_patterns(YamlMap map) {
    fusing_.patterns = read_fusion_parts(map, (find_configs() / "fusion.yaml").string(), diagnostics_);
    if (fusing_.patterns.empty()) return;
    refuse_unknown_operators(fusing_.patterns.own_operators, find_configs(), {}, diagnostics_);
  }

  Diagnostics& diagnostics_;
  Fusing fusing_;
  std::map<std::string, int> names_;  // of all lists: to their lines
};

}  // namespace

std::string_view to_text(BatchNorms batch_norms) {
  return batch_norms == BatchNorms::kFold ? "fuse" : "with_bn";
}

std::string why_nothing_is_fused(const Fusing& fusing) {
  if (fusing.fuses_all() || !fusing.lists.empty()) return "";
  return fmt::format("the configuration fuses nothing ({}, {})",
                     fusing.eager ? "method: eager" : "fuse: none", to_text(*fusing.only_lists));
}

Fusing read_fusing(YamlMap& file, const Placed<std::string>& method, Diagnostics& diagnostics) {
  return Reader(diagnostics).read(file, method);
}

}  // namespace qprep
