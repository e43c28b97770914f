#pragma once

#include <cstddef>
#include <string>

namespace qprep {

/// The temporary files that exist just now, in a form that a signal handler may read.
/// Result: the file's number, from 1 on.
std::size_t remember_temporary(const std::string& path);
/// Given: `number` came from remember_temporary and was not forgotten.
void forget_temporary(std::size_t number);

}  // namespace qprep
