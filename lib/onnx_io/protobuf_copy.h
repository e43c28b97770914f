#pragma once

#include <google/protobuf/message.h>
#include <initializer_list>

namespace qprep {

/// Result: `to` has every field of `from` (unknown ones included) but those with the numbers in `but`.
/// Given: `to` is empty and of the same type. For messages of a few scalars and messages each: what is large
/// should be in `but`.
void copy_fields(const google::protobuf::Message& from, google::protobuf::Message& to,
                 std::initializer_list<int> but);

}  // namespace qprep
