#include "plan/reason.h"

#include <algorithm>

#include "plan/setting.h"

namespace qprep {

void Reason::add(const Setting& setting) {
  if (std::find(settings.begin(), settings.end(), &setting) != settings.end()) return;
  settings.push_back(&setting);
  if (setting.repeats) add(*setting.repeats);
}

void Reason::add(const Reason& other) {
  for (const Setting* setting : other.settings) add(*setting);
}

void Reason::append(const Reason& other) {
  text += other.text;
  add(other);
}

}  // namespace qprep
