#pragma once

#include "passes/pass.h"

namespace qprep {

/// Einsum of two float operands that is a matrix product becomes one: "bhqd,bhkd->bhqk" is MatMul of the
/// first and the Transpose of the second, "bnc,cd->bnd" MatMul. So what holds for a MatMul holds for it: a
/// weight has a scale for each channel, and an Add of a bias behind it is its own.
///
/// The product is one if the operands, in either order, are P m c and P c n or P n c, and the result P m n,
/// where P are any labels, or none in the second operand. Other equations stay.
bool replace_einsum(Model& model, Env& env);

}  // namespace qprep
