#pragma once

#include <optional>
#include <string>
#include <variant>

#include "config/composite_meaning.h"
#include "passes/composite_attempt.h"

namespace qprep {

/// A number, or a name where the model has one for a size.
using Quantity = std::variant<double, std::string>;

/// What the expression is for the nodes of the match; nullopt: that is not known.
std::optional<Quantity> quantity_of(const CompositeNumber& number, const CompositeMatch& match);
/// The same where only a number will do.
std::optional<double> number_of(const CompositeNumber& number, const CompositeMatch& match);

/// Numbers are equal to one in 100,000. False too where one side is not known.
bool holds(const CompositeCondition& condition, const CompositeMatch& match);

/// What the condition speaks of, as it is in the model, each once: "slope ('alpha') is 2".
std::string quantities_of(const CompositeCondition& condition, const CompositeMatch& match);

/// The constant that the name stands for; null: a statement that may be missing is.
const Value* constant_named(const std::string& name, const CompositeMatch& match);

/// The number that all elements of a float32 constant are; nullopt: they differ, or are of another type.
std::optional<double> number_everywhere(const Tensor& tensor);

}  // namespace qprep
