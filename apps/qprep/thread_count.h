#pragma once

#include <CLI/CLI.hpp>

namespace qprep {

/// --threads N: 0 to 1024.
void add_threads(CLI::App& verb, int& threads);

}  // namespace qprep
