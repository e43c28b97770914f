#pragma once

#include <cstddef>
#include <functional>

namespace qprep {

/// How many threads the machine runs at once, at least 1; asked of the system only once, which reads files.
std::size_t hardware_threads();

/// Calls body(0) ... body(count - 1), each once, on up to `threads` threads (0 = as many as the machine has),
/// in no particular order. Result: all that were started have ended. If calls throw, no later ones start, and
/// the exception of the lowest index that throws is thrown here, the same in every run.
void parallel_for(std::size_t count, std::size_t threads, const std::function<void(std::size_t)>& body);

}  // namespace qprep
