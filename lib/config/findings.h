#pragma once

#include <fmt/format.h>
#include <string>
#include <string_view>

#include "support/codes.h"
#include "support/diagnostics.h"

namespace qprep {

/// What a reader of a configuration has to say, by what follows from it.
struct Findings {
  Diagnostics& mistakes;  // the file is refused
  Diagnostics& not_yet;   // errors for prepare: what is correct, but cannot be carried out yet
  Diagnostics& remarks;   // warnings and notes

  void wrong(std::string message, const Where& where) const {
    mistakes.error(codes::kBadValue, std::move(message), where);
  }
  /// `what` begins the sentence.
  void later(std::string_view what, const Where& where) const {
    not_yet.error(codes::kNotYet, fmt::format("{} is understood, but prepare cannot carry it out yet", what),
                  where);
  }
};

}  // namespace qprep
