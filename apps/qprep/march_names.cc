#include "march_names.h"

#include <algorithm>
#include <fmt/format.h>
#include <vector>

#include "config/march.h"
#include "config/march_hint.h"
#include "driver/rules.h"
#include "support/text.h"

namespace qprep {

std::string check_march(const std::string& name) {
  if (is_march_file(name)) return {};
  const std::vector<std::string> names = march_names(find_configs());
  if (std::find(names.begin(), names.end(), name) != names.end()) return {};
  return fmt::format("there is no march '{}'{}; there are {}{}", name, did_you_mean(name, names),
                     join(names, ", "), hint_at_march_file(name, "."));
}

}  // namespace qprep
