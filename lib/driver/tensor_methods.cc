#include "driver/tensor_methods.h"

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <re2/re2.h>
#include <string>
#include <unordered_map>
#include <utility>

#include "config/selector.h"
#include "ir/name_of.h"
#include "passes/selection.h"
#include "support/codes.h"

namespace qprep {
namespace {

/// Which tensors a selector names by their own names.
class TensorSelector {
 public:
  explicit TensorSelector(const std::string& text) : path_(path_of(text)) {
    if (is_pattern(text)) regex_ = regex_of(text);
  }
  bool names(const std::string& tensor) const {
    const std::string path = path_of(tensor);
    return regex_ ? re2::RE2::FullMatch(path, *regex_) : path == path_;
  }

 private:
  std::string path_;
  std::shared_ptr<const re2::RE2> regex_;
};

class ByName {
 public:
  ByName(const Model& model, const Plan& plan, const std::vector<Observed>& observed)
      : plan_(plan), observed_(observed), selection_(model, nullptr) {
    for (std::size_t i = 0; i < observed.size(); ++i) places_.emplace(observed[i].value, i);
  }

  /// Of those that are observed. The name of one result of a node is not that of all of them.
  std::vector<std::size_t> find(const std::string& text) const {
    std::vector<std::size_t> found;
    const TensorSelector named(text);
    for (std::size_t i = 0; i < observed_.size(); ++i) {
      if (named.names(observed_[i].name)) found.push_back(i);
    }
    const std::vector<std::size_t> tensors = found;
    for (const Node* node : selection_.find(selector(text)).nodes) {
      const std::vector<std::size_t> made = made_by(maker_of(*node));
      const bool by_results = std::any_of(made.begin(), made.end(), [&](std::size_t place) {
        return std::binary_search(tensors.begin(), tensors.end(), place);
      });
      if (!by_results || named.names(node->label())) found.insert(found.end(), made.begin(), made.end());
    }
    return found;
  }

  /// Given: find(entry) is empty.
  void tell(const Placed<std::string>& entry, Diagnostics& diagnostics) const {
    const Selector wanted = selector(entry.value);
    const Selection::Match match = selection_.find(wanted);
    const auto no_effect = [&](const std::string& why) {
      diagnostics.warning(codes::kNoEffect,
                          fmt::format("calibration.tensors '{}' has no effect: {}", entry.value, why),
                          entry.where);
    };
    if (!match.nodes.empty()) return no_effect(why_unseen(*match.nodes.front()));
    if (!match.inputs.empty()) return no_effect(why_unseen(*match.inputs.front()));
    if (const auto gone = selection_.gone(wanted)) return no_effect(*gone);
    diagnostics.error(codes::kNoMatch, selection_.why_nothing(wanted), entry.where);
  }

 private:
  static Selector selector(const std::string& text) { return {.kind = Selector::Kind::kName, .text = text}; }

  /// What is inside a unit is not quantised; the last node makes what is.
  const Node& maker_of(const Node& node) const {
    const Unit* unit = plan_.unit_of(node);
    return unit ? *unit->nodes.back() : node;
  }

  std::vector<std::size_t> made_by(const Node& node) const {
    std::vector<std::size_t> made;
    for (std::size_t i = 0; i < node.output_count(); ++i) {
      const auto place = places_.find(&node.output(i));
      if (place != places_.end()) made.push_back(place->second);
    }
    return made;
  }

  std::string why_unseen(const Node& node) const {
    const Node& maker = maker_of(node);
    if (maker.output_count() == 0) return fmt::format("{} makes no tensor", name_of(maker));
    const std::string why = why_unseen(maker.output(0));
    // Reasons often begin with who it is.
    return why.starts_with(name_of(maker)) ? why : name_of(maker) + ": " + why;
  }

  std::string why_unseen(const Value& value) const {
    if (const auto same = plan_.same_as.find(&value); same != plan_.same_as.end())
      return fmt::format("it has the scale of {}, which it hands on", name_of(*same->second));
    const Decision* decision = plan_.decision_of(value);
    if (decision && decision->fixed) return "its scale is given: " + decision->because.text;
    if (const Reason* why = plan_.reason_of(value)) return why->text;
    return name_of(value) + " is not quantised";
  }

  const Plan& plan_;
  const std::vector<Observed>& observed_;
  Selection selection_;
  std::unordered_map<const Value*, std::size_t> places_;
};

}  // namespace

TensorMethods methods_by_name(const Model& model, const Plan& plan, const std::vector<Observed>& observed,
                              const CalibrationConfig& config, Diagnostics& diagnostics) {
  TensorMethods methods(observed.size());
  if (config.tensors.empty()) return methods;
  const ByName by_name(model, plan, observed);
  for (const ObserverFor& entry : config.tensors) {
    const std::vector<std::size_t> named = by_name.find(entry.selector.value);
    if (named.empty()) by_name.tell(entry.selector, diagnostics);
    for (const std::size_t i : named) {
      if (!methods[i]) methods[i] = entry.spec;
    }
  }
  return methods;
}

}  // namespace qprep
