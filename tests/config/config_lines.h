#pragma once

#include <string>
#include <vector>

#include "config/config.h"

/// Configurations as lines, for comparisons.
namespace qprep::test {

using Lines = std::vector<std::string>;

/// What reading `text` as "c.yaml" complains of, a line each; empty if it is accepted.
inline Lines complaints(const std::string& text) {
  try {
    parse_config(text, "c.yaml");
  } catch (const Fatal& failure) {
    Lines lines;
    for (const Diagnostic& each : failure.diagnostics()) lines.push_back(to_text(each));
    return lines;
  }
  return {};
}

/// "c.yaml:2:3 what: slot says", of the settings that the file makes; of a selector by type "(Conv2d)" in
/// front.
inline Lines setting_lines(const std::string& text) {
  Lines lines;
  for (const Setting& setting : parse_config(text, "c.yaml").setters) {
    const bool by_type = setting.selector.kind == Selector::Kind::kType;
    lines.push_back((by_type ? "(" + setting.selector.text + ") " : "") + to_text(setting) + ": " +
                    std::string(to_text(setting.slot)) + " " + to_text(setting.says));
  }
  return lines;
}

/// What prepare cannot carry out yet, without the end that all have.
inline Lines later(const std::string& text) {
  const std::string end = " is understood, but prepare cannot carry it out yet [not-yet]";
  Lines lines;
  for (const Diagnostic& each : parse_config(text, "c.yaml").not_yet) {
    std::string line = to_text(each);
    if (line.ends_with(end)) line.resize(line.size() - end.size());
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace qprep::test
