#pragma once

#include <fmt/format.h>
#include <string_view>

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

/// Result: the scheme is what the setting says, and the reason says so where it is not the default. null:
/// nothing is said.
inline void settle_scheme(const Setting* said, QuantSpec& spec, Reason& why) {
  if (!said) return;
  spec.scheme = std::get<Scheme>(said->says);
  if (spec.scheme == Scheme()) return why.add(*said);
  why.append(because("; {} ({})", to_text(said->says), *said));
}

/// Why an activation is float that the setting keeps so.
inline Reason float_as_set(const Setting& setting) {
  return setting.names_nodes() ? because("set to float ({})", setting)
                               : because("activations stay float ({})", setting);
}

}  // namespace qprep
