#pragma once

#include <cstddef>

namespace qprep {

/// So many of the parts of a long run are files that stay, and the same call goes on from; parts 0: it has
/// none.
void tell_kept_parts(std::size_t kept, std::size_t parts);

/// For a program's main: how write_interruption begins its line follows from whether stderr is a terminal
/// now.
void look_at_terminal();

/// For signal handlers. One line on stderr, once in a process: that it was interrupted, and what is kept of
/// it. Nothing, where stderr would block or is closed. From here on SIGPIPE is ignored.
void write_interruption();

}  // namespace qprep
