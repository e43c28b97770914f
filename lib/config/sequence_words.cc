#include "config/sequence_words.h"

#include <algorithm>
#include <fmt/format.h>

#include "config/composites.h"
#include "config/op_classes.h"
#include "config/quote.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {

void refuse_unknown_operators(const std::vector<Placed<FusionOp>>& words,
                              const std::filesystem::path& configs, const std::vector<std::string>& more,
                              Diagnostics& diagnostics) {
  if (words.empty()) return;
  const OpClasses classes = read_op_classes((configs / "op_classes.yaml").string());
  const Composites composites = read_composites((configs / "composites.yaml").string());
  std::vector<std::string> operators = more, names;
  for (const auto& [op, row] : classes.rows) operators.push_back(op);
  std::ranges::sort(operators);
  for (const CompositePattern& pattern : composites.patterns) names.push_back(pattern.name);
  for (const auto& [word, where] : words) {
    const std::vector<std::string>& known = word.composite ? names : operators;
    if (std::ranges::find(known, word.op) != known.end()) continue;
    diagnostics.error(
        codes::kBadValue,
        fmt::format("{} is no {}{}", quote(word.op),
                    word.composite ? "operator of composites.yaml" : "operator that qprep knows",
                    did_you_mean(word.op, known)),
        where);
  }
}

}  // namespace qprep
