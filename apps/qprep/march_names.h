#pragma once

#include <string>

namespace qprep {

/// For the command line: empty if there is such a march, or it is the path of a file, else a sentence with
/// the nearest one.
std::string check_march(const std::string& name);

}  // namespace qprep
