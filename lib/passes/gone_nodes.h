#pragma once

#include <string>
#include <string_view>

#include "ir/graph.h"

/// Why nodes of the user's file are gone, as clauses of GoneNode::because.
namespace qprep {

/// "was folded into 'conv1'".
std::string folded_into(std::string_view label);
/// "hands on what it reads, 'x', and is left out".
std::string hands_on(std::string_view read);
/// Of a node whose results lost their readers.
inline constexpr std::string_view kUnread = "made what nothing reads any more";

/// Given: all rewrites ran. Result: what says that it was folded names a node that is there, or else what
/// became of the one that it was folded into; and whatever a node that is there has absorbed was folded into
/// that.
void settle_gone(Model& model);

}  // namespace qprep
