#include "config/setter_entries.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "config/op_classes.h"
#include "config/quote.h"
#include "config/selector.h"
#include "config/sensitive_op.h"
#include "config/torch_names.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

const std::vector<std::string> kEntries = {"module_name", "module_type", "op_class",     "before",
                                           "subgraph",    "all",         "sensitive_op", "template"};
const std::vector<std::string> kClasses = {"gemm_like", "active", "passive", "quantised", "integer", "float"};

bool holds(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string_view plural_of(Selector::Kind kind) {
  switch (kind) {
    case Selector::Kind::kName:
      return "names";
    case Selector::Kind::kClass:
      return "classes of operators";
    default:
      return "operator types";
  }
}

/// "GridSample", "GridSample:1", "com.microsoft::FusedConv".
bool is_input_of_operator(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || (colon > 0 && text[colon - 1] == ':')) return true;
  return colon > 0 && colon + 1 < text.size() &&
         text.find_first_not_of("0123456789", colon + 1) == std::string::npos;
}

}  // namespace

std::vector<Setting> EntryReader::read_list(const YamlNode& list, const std::string& key) {
  std::vector<Setting> settings;
  if (list.kind != YamlNode::Kind::kList) {
    spec_.wrong(fmt::format("'{}' must be a list of settings, the one of the highest priority first, not {}",
                            key, describe(list)),
                list.where);
    return settings;
  }
  for (const auto& entry : list.items) read(*entry, key, settings);
  return settings;
}

std::vector<Setting> EntryReader::read_entry(const YamlNode& entry, const std::string& key) {
  std::vector<Setting> settings;
  read(entry, key, settings);
  return settings;
}

void EntryReader::read(const YamlNode& entry, const std::string& key, std::vector<Setting>& settings) {
  if (entry.kind == YamlNode::Kind::kScalar) return read_named(entry, key, settings);
  if (entry.kind != YamlNode::Kind::kMap || entry.entries.size() != 1) {
    const bool several = entry.kind == YamlNode::Kind::kMap && entry.entries.size() > 1;
    return spec_.wrong(
        fmt::format("a setter is the name of a template, or one key of {} with its settings, not {}",
                    join(kEntries, ", "),
                    several ? fmt::format("{} keys: write a '-' before each", entry.entries.size())
                            : describe(entry)),
        entry.where);
  }
  const YamlNode::Entry& only = entry.entries.front();
  const YamlNode& value = *only.value;
  if (only.key == "module_name") return read_selectors(value, Selector::Kind::kName, only.key, settings);
  if (only.key == "module_type") return read_selectors(value, Selector::Kind::kType, only.key, settings);
  if (only.key == "op_class") return read_selectors(value, Selector::Kind::kClass, only.key, settings);
  if (only.key == "before") return read_selectors(value, Selector::Kind::kBefore, only.key, settings);
  if (only.key == "subgraph") return read_subgraphs(value, settings);
  if (only.key == "template") return read_template(value, settings);
  if (only.key == "all") {
    return spec_.read(Selector{}, value, only.where, only.key, template_at_, settings);
  }
  if (only.key == "sensitive_op") {
    return read_sensitive_op({value, nullptr, only.key}, usual_, spec_, diagnostics_, settings);
  }
  const YamlNode* like = templates_.find(only.key);
  if (like && like->kind == YamlNode::Kind::kMap) {
    return read_sensitive_op({value, like, only.key}, usual_, spec_, diagnostics_, settings);
  }
  if (like) {
    return spec_.wrong(fmt::format("template {} takes no settings: write '- {}'", quote(only.key), only.key),
                       only.where);
  }
  diagnostics_.error(codes::kUnknownKey,
                     fmt::format("unknown setter {}{}; known: {}", quote(only.key),
                                 did_you_mean(only.key, kEntries), join(kEntries, ", ")),
                     only.where);
}

void EntryReader::read_named(const YamlNode& entry, const std::string& key, std::vector<Setting>& settings) {
  const YamlNode* content = templates_.find(entry.text);
  if (!content) {
    const std::vector<std::string> names = templates_.names();
    const std::string name(Templates::without_suffix(entry.text));
    return spec_.wrong(fmt::format("there is no template {}{}; there are {}", quote(entry.text),
                                   did_you_mean(name, names), join(names, ", ")),
                       entry.where);
  }
  if (content->kind == YamlNode::Kind::kMap) {
    return spec_.wrong(fmt::format("template {} needs its table: write '- {}: {{table: FILE, topk: N}}'",
                                   quote(entry.text), entry.text),
                       entry.where);
  }
  const bool outermost = !template_at_;
  if (outermost) {
    template_at_ = SaidAt{entry.where, fmt::format("{} {}", key, Templates::without_suffix(entry.text))};
  }
  read_content(*content, settings);
  if (outermost) template_at_.reset();
}

/// What of a template cannot be carried out yet is said once, at the line that names it.
void EntryReader::read_content(const YamlNode& list, std::vector<Setting>& settings) {
  Diagnostics inner;
  EntryReader reader(usual_, templates_, diagnostics_, inner);
  reader.template_at_ = template_at_;
  for (const auto& entry : list.items) reader.read(*entry, "template", settings);
  if (inner.all().empty()) return;
  spec_.later(template_at_->what, template_at_->where);
}

void EntryReader::read_selectors(const YamlNode& map, Selector::Kind kind, const std::string& key,
                                 std::vector<Setting>& settings) {
  if (map.kind != YamlNode::Kind::kMap) {
    return spec_.wrong(
        fmt::format("'{}' must be a map from {} to settings, not {}", key, plural_of(kind), describe(map)),
        map.where);
  }
  if (map.entries.empty()) return spec_.wrong(fmt::format("'{}' names nothing", key), map.where);
  for (const YamlNode::Entry& entry : map.entries) {
    Selector selector;
    selector.kind =
        kind == Selector::Kind::kType && holds(kClasses, entry.key) ? Selector::Kind::kClass : kind;
    selector.text = entry.key;
    if (!is_selector(selector, entry.where)) continue;
    if (selector.kind == Selector::Kind::kType) {
      const auto type = torch_type(entry.key);
      if (type && !type->operators.empty()) selector.text = join(type->operators, ",");
    }
    spec_.read(selector, *entry.value, entry.where, fmt::format("{} {}", key, quote(entry.key)), template_at_,
               settings);
  }
}

void EntryReader::read_subgraphs(const YamlNode& list, std::vector<Setting>& settings) {
  if (list.kind == YamlNode::Kind::kMap) return read_subgraph(list, settings);
  if (list.kind != YamlNode::Kind::kList || list.items.empty()) {
    return spec_.wrong("'subgraph' must be a map {from: [...], to: [...], set: ...}, or a list of them",
                       list.where);
  }
  for (const auto& each : list.items) read_subgraph(*each, settings);
}

void EntryReader::read_subgraph(const YamlNode& subgraph, std::vector<Setting>& settings) {
  YamlMap map(subgraph, "subgraph", diagnostics_);
  Selector selector;
  selector.kind = Selector::Kind::kSubgraph;
  for (const auto& name : map.texts("from")) selector.from.push_back(name.value);
  for (const auto& name : map.texts("to")) selector.to.push_back(name.value);
  const YamlNode* spec = map.find("set");
  map.finish();
  if (subgraph.kind != YamlNode::Kind::kMap) return;
  if (selector.from.empty() || selector.to.empty() || !spec) {
    return spec_.wrong(
        "a subgraph has 'from' and 'to', lists of tensors or nodes, and 'set', what is said of it",
        subgraph.where);
  }
  selector.text = fmt::format("{} to {}", join(selector.from, ", "), join(selector.to, ", "));
  spec_.read(selector, *spec, subgraph.where, fmt::format("subgraph {}", quote(selector.text)), template_at_,
             settings);
}

/// TemplateQconfigSetter: a list of template classes; DefaultTemplate comes last, with `default` if given.
void EntryReader::read_template(const YamlNode& node, std::vector<Setting>& settings) {
  const YamlNode* list = &node;
  const YamlNode* otherwise = nullptr;
  if (node.kind == YamlNode::Kind::kMap) {
    YamlMap map(node, "template", diagnostics_);
    list = map.find("templates");
    otherwise = map.find("default");
    map.finish();
  }
  if (!list || list->kind != YamlNode::Kind::kList) {
    return spec_.wrong(
        "'template' must be a list of template classes, or a map {default: ..., templates: [...]}",
        node.where);
  }
  for (const auto& name : list->items) {
    if (name->kind == YamlNode::Kind::kScalar) {
      read_named(*name, "template", settings);
    } else {
      spec_.wrong("'template' lists names of template classes", name->where);
    }
  }
  if (otherwise) {
    spec_.read(Selector{}, *otherwise, otherwise->where, "template.default", template_at_, settings);
  }
  const YamlNode* last = templates_.find("DefaultTemplate");
  if (!last) return;
  const bool outermost = !template_at_;
  if (outermost) template_at_.emplace().what = "template DefaultTemplate";
  read_content(*last, settings);
  if (outermost) template_at_.reset();
}

bool EntryReader::is_selector(const Selector& selector, const Where& where) {
  if (selector.text.empty()) {
    spec_.wrong(
        "a selector has at least one letter; what holds for all nodes is in 'activations' and 'weights'",
        where);
    return false;
  }
  if (selector.kind == Selector::Kind::kClass && !holds(kClasses, selector.text)) {
    spec_.wrong(fmt::format("there is no class {}{}; there are {}", quote(selector.text),
                            did_you_mean(selector.text, kClasses), join(kClasses, ", ")),
                where);
    return false;
  }
  if (selector.kind == Selector::Kind::kBefore && !is_input_of_operator(selector.text)) {
    spec_.wrong(
        fmt::format("{} must be an operator, or one with the number of its input, as in 'GridSample:1'",
                    quote(selector.text)),
        where);
    return false;
  }
  const auto error = selector.kind == Selector::Kind::kName ? selector_error(selector.text) : std::nullopt;
  if (error) spec_.wrong(*error, where);
  return !error;
}

}  // namespace qprep
