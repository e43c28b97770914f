#pragma once

#include "console.h"
#include "driver/prepare.h"

namespace qprep {

/// prepare(), with a line on the console that says how far it is.
PrepareResult prepare_with_progress(PrepareOptions options, const Console& console, Diagnostics& diagnostics);

}  // namespace qprep
