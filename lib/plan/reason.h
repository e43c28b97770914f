#pragma once

#include <string>
#include <utility>
#include <vector>

namespace qprep {

struct Setting;

/// Why something was decided: a sentence, and the settings that made it so, those that the sentence names
/// first. Without settings a rule decided. The settings are those of the plan's NodeSettings and live as
/// long.
struct Reason {
  std::string text = {};
  std::vector<const Setting*> settings = {};

  Reason() = default;
  Reason(std::string why) : text(std::move(why)) {}  // a rule's sentence
  Reason(const char* why) : text(why) {}

  bool empty() const { return text.empty(); }
  /// And the setting whose precision it repeats.
  void add(const Setting& setting);
  /// The settings of the other reason too.
  void add(const Reason& other);
  /// The other's text behind this one's, and its settings.
  void append(const Reason& other);
};

}  // namespace qprep
