#pragma once

#include <cstddef>
#include <string>

namespace qprep {

/// The temporary files that exist just now, in a form that a signal handler may read.
/// Result: the file's number, from 1 on.
std::size_t remember_temporary(const std::string& path);
/// Given: `number` came from remember_temporary and was not forgotten.
void forget_temporary(std::size_t number);

/// The same for folders that go with them where they are empty. Result: 0: too many are remembered, or the
/// path is too long; this one stays where a signal ends the process.
std::size_t remember_folder(const std::string& path);
/// Given: `number` came from remember_folder and was not forgotten.
void forget_folder(std::size_t number);

}  // namespace qprep
