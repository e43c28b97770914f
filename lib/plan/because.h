#pragma once

#include <fmt/format.h>
#include <string_view>
#include <utility>

#include "plan/reason.h"
#include "plan/setting.h"

template <>
struct fmt::formatter<qprep::Setting> : fmt::formatter<std::string_view> {
  template <typename Context>
  auto format(const qprep::Setting& setting, Context& context) const {
    return fmt::formatter<std::string_view>::format(qprep::to_text(setting), context);
  }
};

template <>
struct fmt::formatter<qprep::Reason> : fmt::formatter<std::string_view> {
  template <typename Context>
  auto format(const qprep::Reason& reason, Context& context) const {
    return fmt::formatter<std::string_view>::format(reason.text, context);
  }
};

namespace qprep {

namespace because_detail {
inline void adopt(Reason& reason, const Setting& setting) { reason.add(setting); }
inline void adopt(Reason& reason, const Reason& other) { reason.add(other); }
template <typename Other>
void adopt(Reason&, const Other&) {}
}  // namespace because_detail

/// The sentence of the format; the settings that are among the arguments, and those of reasons among them,
/// are those of the result.
template <typename... Args>
Reason because(fmt::format_string<const Args&...> format, const Args&... args) {
  Reason reason(fmt::format(format, args...));
  (because_detail::adopt(reason, args), ...);
  return reason;
}

/// Result: the scheme is what the settings say, one of all of it and one of powers of two, and the reason
/// says so where it is not the default. null: nothing is said. Given: they are of Aspect::kScheme and
/// kPowerOfTwo.
inline void settle_scheme(const Setting* said, const Setting* power_of_two, QuantSpec& spec, Reason& why) {
  const auto say = [&](const Setting& setting, bool usual) {
    usual ? why.add(setting) : why.append(because("; {} ({})", to_text(setting.says), setting));
  };
  if (said) {
    spec.scheme = std::get<Scheme>(said->says);
    say(*said, spec.scheme == Scheme());
  }
  if (!power_of_two) return;
  const bool before = std::exchange(spec.scheme.power_of_two, std::get<PowerOfTwo>(power_of_two->says).value);
  say(*power_of_two, !before && !spec.scheme.power_of_two);
}

/// Why an activation is float that the setting keeps so.
inline Reason float_as_set(const Setting& setting) {
  return setting.names_nodes() ? because("set to float ({})", setting)
                               : because("activations stay float ({})", setting);
}

}  // namespace qprep
