#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"

/// The words of a selector by type.
namespace qprep {

/// "Gemm,MatMul" in its words.
std::vector<std::string_view> operator_words(std::string_view text);

/// The operator that a word names: "Conv" of "Conv", of "Conv2d", and "FusedConv" of
/// "com.microsoft::FusedConv".
std::string_view operator_of(std::string_view word);

/// The word names the node: its operator, its domain where one is said, and for "Conv2d" a Conv over two
/// spatial axes (or of unknown rank).
bool names_operator(std::string_view word, const Node& node);
/// The same for a node whose operator was `op`, of the same domain and over the same axes.
bool names_operator(std::string_view word, const Node& node, std::string_view op);

}  // namespace qprep
