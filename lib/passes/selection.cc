#include "passes/selection.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <iterator>
#include <re2/re2.h>
#include <re2/set.h>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "config/selector.h"
#include "ir/walk.h"
#include "passes/operator_word.h"
#include "support/text.h"

namespace qprep {
namespace {

/// What the automaton of all patterns together may take; beyond it they are matched one by one.
constexpr std::int64_t kPatternMemory = std::int64_t{64} << 20;

/// "GridSample:1": the operator and the number of its input; "Softmax": any input.
std::pair<std::string_view, std::optional<std::size_t>> operator_and_input(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  std::size_t input = 0;
  if (colon == std::string_view::npos) return {text, std::nullopt};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, input);
  if (error != std::errc() || stop != end) return {text, std::nullopt};
  return {text.substr(0, colon), input};
}

}  // namespace

Selection::Selection(const Model& model, const DataFlow* flow)
    : model_(model), flow_(flow), nodes_(nodes_with_bodies(*model.graph)) {
  for (const Graph* graph : graphs_with_bodies(*model.graph)) {
    for (std::size_t i = 0; graph->holder() && i < graph->inputs().size(); ++i) {
      if (const Value* fed = fed_to(*graph, i)) fed_.emplace(graph->inputs()[i], fed);
    }
  }
  // A node that became another operator keeps its label; the first that is gone under it is the file's.
  std::unordered_map<std::string_view, std::string_view> file_ops;
  for (const GoneNode& gone : model.gone) file_ops.emplace(gone.label, gone.op);
  std::size_t position = 0;
  for (const Value* input : model.graph->inputs()) {
    if (!input->initializer()) add(input->name(), {nullptr, input, position});
    ++position;
  }
  for (const Node* each : nodes_) {
    const Node& node = *each;
    const Target target{&node, nullptr, position++};
    add(node.label(), target);
    for (const std::string& place : node.places()) add(place, target);
    for (const std::string& absorbed : node.absorbed()) add(absorbed, target);
    for (std::size_t i = 0; i < node.output_count(); ++i) add(node.output(i).name(), target);
    const auto file_op = file_ops.find(node.label());
    by_type_[std::string(file_op == file_ops.end() ? node.op() : file_op->second)].push_back(target);
  }
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.first < b.first; });
}

void Selection::add(std::string_view name, const Target& target) {
  if (name.empty()) return;
  while (name.starts_with('/')) name.remove_prefix(1);
  const std::string path = path_of(name);
  std::string module_path = module_path_of(name);
  const bool has_module = module_path != path;
  if (has_module) entries_.push_back({std::move(module_path), target, {}, true, false});
  const bool has_both = name.find('/') != std::string_view::npos && name.find('.') != std::string_view::npos;
  entries_.push_back({path, target, std::string(has_both ? name : ""), false, has_module});
}

/// What the results of the node are made of: what it reads, or what its bodies make.
std::vector<const Value*> Selection::sources_of(const Node& node) const {
  std::vector<const Value*> sources;
  for (const Value* input : node.inputs()) {
    if (input) sources.push_back(outside(input));
  }
  if (!is_control_flow(node)) return sources;
  for (const Graph* body : node.bodies()) {
    for (const Value* output : body->outputs()) sources.push_back(outside(output));
  }
  return sources;
}

/// The value, or what enters a body as it.
const Value* Selection::outside(const Value* value) const {
  for (auto at = fed_.find(value); at != fed_.end(); at = fed_.find(value)) value = at->second;
  return value;
}

Selection::Match Selection::match_of(Targets found) {
  const auto before = [](const Target& a, const Target& b) { return a.position < b.position; };
  std::sort(found.begin(), found.end(), before);
  const auto same = [](const Target& a, const Target& b) { return a.position == b.position; };
  found.erase(std::unique(found.begin(), found.end(), same), found.end());
  Match match;
  for (const Target& target : found) {
    if (target.node) match.nodes.push_back(target.node);
    if (target.input) match.inputs.push_back(target.input);
  }
  return match;
}

Selection::Match Selection::find(const Selector& selector) const {
  const Selector* const one = &selector;
  return std::move(find_all({&one, 1}).front());
}

std::vector<Selection::Match> Selection::find_all(std::span<const Selector* const> selectors) const {
  std::vector<Match> matches(selectors.size());
  std::vector<std::string_view> patterns;
  std::vector<std::size_t> of_pattern;
  std::unordered_map<std::string_view, std::size_t> types;  // a type that stands in many lines is found once
  for (std::size_t i = 0; i < selectors.size(); ++i) {
    const Selector& selector = *selectors[i];
    if (selector.kind == Selector::Kind::kType) {
      const auto [at, is_new] = types.emplace(selector.text, i);
      if (!is_new) {
        matches[i] = matches[at->second];
        continue;
      }
    }
    matches[i] = match_of(find_without_pattern(selector));
    if (!matches[i].empty() || selector.kind != Selector::Kind::kName || !is_pattern(selector.text)) continue;
    patterns.push_back(selector.text);
    of_pattern.push_back(i);
  }
  std::vector<Targets> found(patterns.size());
  find_patterns(patterns, found);
  for (std::size_t i = 0; i < found.size(); ++i) matches[of_pattern[i]] = match_of(std::move(found[i]));
  return matches;
}

Selection::Targets Selection::find_without_pattern(const Selector& selector) const {
  Targets found;
  switch (selector.kind) {
    case Selector::Kind::kAll:
      return found;
    case Selector::Kind::kName:
      find_scope(selector.text, found);
      return found;
    case Selector::Kind::kExact:
      find_path(path_of(selector.text), found);
      return found;
    case Selector::Kind::kType:
      return find_types(selector.text);
    case Selector::Kind::kClass:
      return find_class(selector.text);
    case Selector::Kind::kBefore:
      return find_before(selector);
    case Selector::Kind::kSubgraph:
      return find_between(selector);
    case Selector::Kind::kOutside:
      return find_outside(selector);
  }
  return found;
}

void Selection::find_path(const std::string& path, Targets& found) const {
  const auto by_path = [](const Entry& entry, const std::string& wanted) { return entry.first < wanted; };
  for (auto at = std::lower_bound(entries_.begin(), entries_.end(), path, by_path);
       at != entries_.end() && at->first == path; ++at) {
    found.push_back(at->second);
  }
}

/// A name with dots is that of a module if there is one, else a path.
void Selection::find_scope(std::string_view text, Targets& found) const {
  const std::string path = path_of(text);
  if (text.find('/') == std::string_view::npos) find_scope(path, true, found);
  if (found.empty()) find_scope(path, false, found);
}

/// What has this path, and what lies in the scope of this path. Of a name with slashes, those end scopes, and
/// dots are part of a scope's name; a module's name has dots only.
void Selection::find_scope(const std::string& path, bool as_module, Targets& found) const {
  const auto by_path = [](const Entry& entry, const std::string& wanted) { return entry.first < wanted; };
  const auto look = [&](const std::string& wanted, bool whole) {
    for (auto at = std::lower_bound(entries_.begin(), entries_.end(), wanted, by_path);
         at != entries_.end() && (whole ? at->first == wanted : at->first.starts_with(wanted)); ++at) {
      if (as_module ? at->has_module : at->as_module) continue;
      const bool ends_scope = whole || at->name.empty() || at->name[path.size()] == '/';
      if (ends_scope) found.push_back(at->second);
    }
  };
  look(path, true);
  look(path + '.', false);
}

/// What a pattern matches: as a name, it means modules if it has no slash and matches any, else paths.
struct Selection::PatternTargets {
  Targets modules, paths;
  bool any_module = false;

  void add(const Entry& entry) {
    any_module = any_module || entry.as_module;
    if (!entry.has_module) modules.push_back(entry.second);
    if (!entry.as_module) paths.push_back(entry.second);
  }
  Targets chosen(std::string_view pattern) && {
    const bool by_module = any_module && pattern.find('/') == std::string_view::npos;
    return std::move(by_module ? modules : paths);
  }
};

void Selection::find_patterns(const std::vector<std::string_view>& patterns,
                              std::vector<Targets>& found) const {
  if (patterns.empty()) return;
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kPatternMemory);
  RE2::Set together(options, RE2::ANCHOR_BOTH);
  for (const std::string_view pattern : patterns) together.Add(expression_of(pattern), nullptr);
  std::vector<PatternTargets> matched(patterns.size());
  bool at_once = together.Compile();
  std::vector<int> hits;
  for (std::size_t i = 0; at_once && i < entries_.size(); ++i) {
    const std::string& path = entries_[i].first;
    RE2::Set::ErrorInfo error{RE2::Set::kNoError};
    if (i == 0 || path != entries_[i - 1].first) {
      hits.clear();
      together.Match(path, &hits, &error);
    }
    at_once = error.kind == RE2::Set::kNoError;
    for (const int hit : hits) matched[static_cast<std::size_t>(hit)].add(entries_[i]);
  }
  for (std::size_t p = 0; p < patterns.size(); ++p) {
    if (!at_once) {
      const auto regex = regex_of(patterns[p]);
      matched[p] = {};
      for (const Entry& entry : entries_) {
        if (RE2::FullMatch(entry.first, *regex)) matched[p].add(entry);
      }
    }
    found[p] = std::move(matched[p]).chosen(patterns[p]);
  }
}

Selection::Targets Selection::find_types(std::string_view text) const {
  Targets found;
  for (const std::string_view word : operator_words(text)) {
    const std::set<std::string_view> operators = {word, operator_of(word)};
    for (const std::string_view op : operators) {
      const auto at = by_type_.find(op);
      if (at == by_type_.end()) continue;
      std::copy_if(at->second.begin(), at->second.end(), std::back_inserter(found),
                   [&](const Target& target) { return names_operator(word, *target.node, op); });
    }
  }
  return found;
}

Selection::Targets Selection::find_class(std::string_view op_class) const {
  Targets found;
  if (!flow_) return found;
  for (const auto& [type, targets] : by_type_) {
    for (const Target& target : targets) {
      if (to_text(flow_->traits(*target.node).op_class) == op_class) found.push_back(target);
    }
  }
  return found;
}

/// Backwards through whatever carries data, up to the first gemm_like nodes and graph inputs, with them.
Selection::Targets Selection::find_before(const Selector& selector) const {
  Targets found;
  const auto [op, input] = operator_and_input(selector.text);
  const auto at = by_type_.find(op);
  if (!flow_ || at == by_type_.end()) return found;
  std::unordered_set<const Value*> seen;
  std::vector<const Value*> waiting;
  const auto visit = [&](const Value* value) {
    if (value && seen.insert(outside(value)).second) waiting.push_back(outside(value));
  };
  for (const Target& target : at->second) {
    for (std::size_t i = 0; i < target.node->input_count(); ++i) {
      if (input ? i == *input : flow_->traits(*target.node).is_data(i)) visit(target.node->input(i));
    }
  }
  std::unordered_set<const Node*> nodes;
  std::unordered_set<const Value*> inputs;
  while (!waiting.empty()) {
    const Value& value = *waiting.back();
    waiting.pop_back();
    const Node* maker = value.producer();
    if (!maker) {
      if (value.is_graph_input() && !value.initializer()) inputs.insert(&value);
      continue;
    }
    const OpTraits& traits = flow_->traits(*maker);
    if (is_constant(value) || !nodes.insert(maker).second || traits.op_class == OpClass::kGemmLike) continue;
    if (is_control_flow(*maker)) {
      for (const Value* source : sources_of(*maker)) visit(source);
      continue;
    }
    for (std::size_t i = 0; i < maker->input_count(); ++i) {
      if (traits.is_data(i)) visit(maker->input(i));
    }
  }
  std::size_t position = 0;
  for (const Value* each : model_.graph->inputs()) {
    if (inputs.contains(each)) found.push_back({nullptr, each, position});
    ++position;
  }
  for (const Node* node : nodes_) {
    if (nodes.contains(node)) found.push_back({node, nullptr, position});
    ++position;
  }
  return found;
}

/// The values that a name stands for: a tensor, or the results of a node.
std::vector<const Value*> Selection::values_called(const std::string& name) const {
  std::vector<const Value*> values;
  Targets targets;
  find_path(path_of(name), targets);
  for (const Target& target : targets) {
    if (target.input) values.push_back(target.input);
    if (!target.node) continue;
    const std::size_t before = values.size();
    for (std::size_t i = 0; i < target.node->output_count(); ++i) {
      if (target.node->output(i).name() == name) values.push_back(&target.node->output(i));
    }
    if (values.size() > before) continue;
    for (std::size_t i = 0; i < target.node->output_count(); ++i) values.push_back(&target.node->output(i));
  }
  return values;
}

/// The nodes that depend on one of `from` and on which one of `to` depends; what makes `from` is not among
/// them, what makes `to` is.
Selection::Targets Selection::find_between(const Selector& selector) const {
  std::unordered_set<const Value*> reached;
  for (const std::string& name : selector.from) {
    for (const Value* value : values_called(name)) reached.insert(value);
  }
  Targets after;
  std::size_t position = model_.graph->inputs().size();
  for (const Node* node : nodes_) {
    const Target target{node, nullptr, position++};
    const std::vector<const Value*> sources = sources_of(*node);
    if (std::none_of(sources.begin(), sources.end(), [&](const Value* v) { return reached.contains(v); }))
      continue;
    after.push_back(target);
    for (std::size_t i = 0; i < node->output_count(); ++i) reached.insert(&node->output(i));
  }
  std::unordered_set<const Value*> wanted;
  for (const std::string& name : selector.to) {
    for (const Value* value : values_called(name)) wanted.insert(value);
  }
  std::unordered_set<const Value*> begins;
  for (const std::string& name : selector.from) {
    for (const Value* value : values_called(name)) begins.insert(value);
  }
  Targets found;
  for (auto at = after.rbegin(); at != after.rend(); ++at) {
    bool leads = false;
    for (std::size_t i = 0; i < at->node->output_count(); ++i) {
      leads = leads || wanted.contains(&at->node->output(i));
    }
    if (!leads) continue;
    found.push_back(*at);
    for (const Value* source : sources_of(*at->node)) {
      if (!begins.contains(source)) wanted.insert(source);
    }
  }
  return found;
}

bool Selection::names_exist(const Selector& selector) const {
  const auto exists = [this](const std::string& name) { return !values_called(name).empty(); };
  return std::all_of(selector.from.begin(), selector.from.end(), exists) &&
         std::all_of(selector.to.begin(), selector.to.end(), exists);
}

/// What leads to one of `from`, with the nodes that make them, and what depends on one of `to`.
Selection::Targets Selection::find_outside(const Selector& selector) const {
  std::unordered_set<const Value*> ahead, behind;
  for (const std::string& name : selector.from) {
    for (const Value* value : values_called(name)) ahead.insert(value);
  }
  for (const std::string& name : selector.to) {
    for (const Value* value : values_called(name)) behind.insert(value);
  }
  Targets found;
  std::size_t position = model_.graph->inputs().size();
  for (const Node* node : nodes_) {
    const Target target{node, nullptr, position++};
    const std::vector<const Value*> sources = sources_of(*node);
    if (std::none_of(sources.begin(), sources.end(), [&](const Value* v) { return behind.contains(v); }))
      continue;
    found.push_back(target);
    for (std::size_t i = 0; i < node->output_count(); ++i) behind.insert(&node->output(i));
  }
  for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) {
    --position;
    bool leads = false;
    for (std::size_t i = 0; i < (*node)->output_count(); ++i) leads |= ahead.contains(&(*node)->output(i));
    if (!leads) continue;
    found.push_back({*node, nullptr, position});
    for (const Value* source : sources_of(**node)) ahead.insert(source);
  }
  return found;
}

/// Whether a node that is gone answers to a selector.
class Selection::Absent {
 public:
  explicit Absent(const Selector& selector)
      : selector_(selector), path_(path_of(selector.text)), by_name_(selector.kind == Selector::Kind::kName) {
    if (by_name_ && is_pattern(selector.text)) regex_ = regex_of(selector.text);
  }
  const std::string& path() const { return path_; }

  bool is(const GoneNode& node) const {
    if (selector_.kind == Selector::Kind::kType) {
      const std::vector<std::string_view> words = operator_words(selector_.text);
      return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
        return node.op == word || node.op == operator_of(word);
      });
    }
    if (!by_name_ && selector_.kind != Selector::Kind::kExact) return false;
    return has_name(node.label) || std::any_of(node.results.begin(), node.results.end(),
                                               [this](const std::string& name) { return has_name(name); });
  }

 private:
  bool has_name(const std::string& name) const {
    return has_path(path_of(name)) || (by_name_ && has_path(module_path_of(name)));
  }
  bool has_path(const std::string& path) const {
    if (regex_) return RE2::FullMatch(path, *regex_);
    return path == path_ || (by_name_ && path.starts_with(path_ + '.'));
  }

  const Selector& selector_;
  std::string path_;
  bool by_name_;
  std::shared_ptr<const RE2> regex_;
};

std::optional<std::string> Selection::gone(const Selector& selector) const {
  const Absent wanted(selector);
  const GoneNode* first = nullptr;  // as what it was in the file
  const GoneNode* last = nullptr;   // the same, as it went
  std::set<std::string_view> others;
  for (const GoneNode& node : model_.gone) {
    if (!wanted.is(node)) continue;
    if (!first) first = &node;
    if (node.label == first->label) {
      last = &node;
    } else {
      others.insert(node.label);
    }
  }
  if (first) {
    std::string text = fmt::format("'{}' ({}) {}", first->label, first->op, last->because);
    if (!others.empty()) text += fmt::format("; {} more of these are gone too", others.size());
    return text;
  }
  return gone_reader_of(wanted.path());
}

/// Of a constant that went with the node that read it.
std::optional<std::string> Selection::gone_reader_of(const std::string& path) const {
  for (const GoneNode& node : model_.gone) {
    for (const std::string& name : node.reads) {
      if (path_of(name) != path) continue;
      return fmt::format("'{}' was read by '{}' ({}), which {}", name, node.label, node.op, node.because);
    }
  }
  return std::nullopt;
}

std::string Selection::why_nothing(const Selector& selector) const {
  std::vector<std::string> types;
  for (const auto& [type, targets] : by_type_) types.push_back(type);
  if (selector.kind == Selector::Kind::kType) {
    const std::vector<std::string_view> words = operator_words(selector.text);
    return fmt::format("no node of the model is a {}{}; there are {}", fmt::join(words, " or "),
                       did_you_mean(operator_of(words.front()), types), join(types, ", "));
  }
  if (selector.kind == Selector::Kind::kClass) {
    return fmt::format("no node of the model is {}", selector.text);
  }
  if (selector.kind == Selector::Kind::kBefore) {
    const std::string op(operator_and_input(selector.text).first);
    if (by_type_.contains(op)) return fmt::format("nothing leads to '{}'", selector.text);
    return fmt::format("no node of the model is a {}{}; there are {}", op, did_you_mean(op, types),
                       join(types, ", "));
  }
  if (selector.kind == Selector::Kind::kSubgraph || selector.kind == Selector::Kind::kOutside) {
    for (const auto* names : {&selector.from, &selector.to}) {
      for (const std::string& name : *names) {
        if (values_called(name).empty()) return no_name(name, true);
      }
    }
    return fmt::format("no way leads from {} to {}", join(selector.from, ", "), join(selector.to, ", "));
  }
  if (selector.kind == Selector::Kind::kName && is_pattern(selector.text)) {
    return fmt::format("no node or tensor of the model matches '{}'{}", selector.text, nearly(selector.text));
  }
  return no_name(selector.text, selector.kind == Selector::Kind::kExact);
}

/// Of an expression that is found inside a path, and is not all of it.
std::string Selection::nearly(std::string_view pattern) const {
  const auto regex = regex_of(pattern);
  for (const Entry& entry : entries_) {
    if (!RE2::PartialMatch(entry.first, *regex)) continue;
    return fmt::format(" as a whole; it is found in '{}', which '.*' around it would allow", entry.first);
  }
  const bool has_slash = pattern.starts_with("re:") && pattern.find('/') != std::string_view::npos;
  return has_slash ? "; an expression is matched with names that have dots for slashes" : "";
}

/// All paths, and the scopes that they lie in where those can be named too.
std::vector<std::string> Selection::candidates(bool scopes) const {
  std::vector<std::string> found;
  for (const Entry& entry : entries_) {
    const std::string& known = entry.first;
    found.push_back(known);
    for (std::size_t dot = known.find('.'); scopes && dot != std::string::npos;
         dot = known.find('.', dot + 1)) {
      found.push_back(known.substr(0, dot));
    }
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

/// The operator of the model that the word means, in whatever case; empty: there is none.
std::string Selection::operator_called(const std::string& word) const {
  if (by_type_.contains(operator_of(word))) return word;
  const auto same = [&](const auto& each) {
    return std::equal(each.first.begin(), each.first.end(), word.begin(), word.end(),
                      [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
  };
  const auto at = std::find_if(by_type_.begin(), by_type_.end(), same);
  return at == by_type_.end() ? "" : at->first;
}

/// Given: nothing has the name.
std::string Selection::no_name(const std::string& name, bool whole) const {
  const std::string path = path_of(name);
  Targets in_scope;
  if (whole) find_scope(name, in_scope);
  if (!in_scope.empty()) {
    return fmt::format("'{}' is a scope, and here each node is named by its whole name", name);
  }
  for (const Value* initializer : model_.graph->initializers()) {
    if (path_of(initializer->name()) != path_of(name)) continue;
    if (initializer->uses().empty())
      return fmt::format("'{}' is an initializer that nothing reads", initializer->name());
    const Node& reader = *initializer->uses().front().node;
    return fmt::format("'{}' is an initializer, which follows the nodes that read it; name those: '{}'{}",
                       name, reader.label(), initializer->uses().size() > 1 ? ", ..." : "");
  }
  std::string hint;
  const std::vector<std::string> known = candidates(!whole);
  const auto ends_so = [end = "." + path](const std::string& each) { return each.ends_with(end); };
  if (const std::string op = operator_called(name); !op.empty()) {
    hint = fmt::format("; {} is an operator, which 'module_type' names", op);
  } else if (const auto at = std::find_if(known.begin(), known.end(), ends_so); at != known.end()) {
    hint = fmt::format(" (did you mean '{}'?)", *at);
  } else {
    hint = did_you_mean(path, known);
  }
  if (whole && is_pattern(name)) hint += "; names here are whole, and no patterns";
  return fmt::format("no {} of the model is called '{}'{}",
                     whole ? "node or tensor" : "node, tensor or scope", name, hint);
}

}  // namespace qprep
