#include "driver/own_keys.h"

#include <string>
#include <string_view>

#include "passes/target_judge.h"

namespace qprep {
namespace {

/// Result: the text from `begin` to the next quote, with both, is `now`.
void replace_quoted(std::string& text, std::string_view begin, std::string_view now) {
  for (std::size_t at = text.find(begin); at != std::string::npos; at = text.find(begin, at + now.size())) {
    const std::size_t end = text.find('\'', at + begin.size());
    if (end == std::string::npos) return;
    text.replace(at, end + 1 - at, now);
  }
}

void replace(std::string& text, std::string_view was, std::string_view now) {
  const std::size_t at = text.find(was);
  if (at != std::string::npos) text.replace(at, was.size(), now);
}

void say_as_hb_mapper(std::string& text) {
  replace(text, "fix the open sizes: 'dims: ", "fix the open sizes, by 'dims: ");
  replace_quoted(text, "'dims: ", "'input_shape'");
  replace_quoted(text, "'qconfig_setter: ", "'run_on_bpu'");
  replace(text, kAskForBpu, "name it in 'run_on_bpu', or give it 'ON: BPU' in 'node_info'");
}

}  // namespace

void say_in_own_keys(const Config& config, std::string& text) {
  if (config.written_for.starts_with("hb_")) say_as_hb_mapper(text);
}

void say_in_own_keys(const Config& config, Plan& plan) {
  for (auto& [node, entry] : plan.nodes) {
    say_in_own_keys(config, entry.remedy);
    say_in_own_keys(config, entry.device_because.text);
  }
  for (Miss& miss : plan.misses) say_in_own_keys(config, miss.because);
}

}  // namespace qprep
