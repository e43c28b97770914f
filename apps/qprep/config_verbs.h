#pragma once

#include "verbs.h"

/// The verbs below `qprep config`.
namespace qprep {

void add_config_check(CLI::App& config, Verbosity& verbosity, Verb& chosen);
void add_config_show(CLI::App& config, Verbosity& verbosity, Verb& chosen);
void add_config_init(CLI::App& config, Verbosity& verbosity, Verb& chosen);
void add_config_schema(CLI::App& config, Verbosity& verbosity, Verb& chosen);

}  // namespace qprep
