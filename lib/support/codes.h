#pragma once

#include <string_view>

/// Every diagnostic code that qprep prints, in one list. A code names the thing that is wrong, in kebab case.
/// Adding one: a constant here, and a test that provokes it (codes_test.cc looks for each in the tests).
namespace qprep::codes {

inline constexpr std::string_view kBrokenGraph = "broken-graph";    // a pass left the IR inconsistent
inline constexpr std::string_view kCorruptModel = "corrupt-model";  // bytes that are no ONNX model
inline constexpr std::string_view kExternalData = "external-data";  // a payload file that may not be read
inline constexpr std::string_view kFakeQuantize =
    "fake-quantize";  // a FakeQuantize node of a file that is none of ours
inline constexpr std::string_view kFileAccess = "file-access";  // open, read, write, rename failed
inline constexpr std::string_view kIrVersion = "ir-version";    // what a newer IR version changes
inline constexpr std::string_view kOpsetRaise = "opset-raise";  // a node that a newer opset cannot express
inline constexpr std::string_view kBadSample = "bad-sample";    // a sample set or .npy file that does not fit
inline constexpr std::string_view kBadStatistics =
    "bad-statistics";  // a .qcal file that is none or does not fit
inline constexpr std::string_view kRuntimeFailure =
    "runtime-failure";  // ONNX Runtime refused a model or a run
inline constexpr std::string_view kRuntimeDiffers =
    "runtime-differs";  // a form that ONNX Runtime's optimisations may compute otherwise
inline constexpr std::string_view kRuntimeMissing = "runtime-missing";  // ONNX Runtime is nowhere to be found
inline constexpr std::string_view kRuntimeUnusable =
    "runtime-unusable";                                             // another library, or one that is too old
inline constexpr std::string_view kYamlSyntax = "yaml-syntax";      // a file that is not the YAML we accept
inline constexpr std::string_view kDuplicateKey = "duplicate-key";  // a key that stands twice in one map
inline constexpr std::string_view kUnknownKey = "unknown-key";      // a key that nothing asks for
inline constexpr std::string_view kBadValue = "bad-value";          // a value of a wrong type or word
inline constexpr std::string_view kModelTooLarge = "model-too-large";     // above protobuf's 2 GB
inline constexpr std::string_view kNodeOrder = "node-order";              // nodes that were not sorted
inline constexpr std::string_view kOverwritesInput = "overwrites-input";  // the target is what is read
inline constexpr std::string_view kShapeInference = "shape-inference";    // it found a contradiction
inline constexpr std::string_view kBatchNormStays = "batch-norm-stays";   // why one was not folded
inline constexpr std::string_view kCompositeStays =
    "composite-stays";                                                // why no newer operator took its place
inline constexpr std::string_view kFunctionStays = "function-stays";  // why its calls were not opened
inline constexpr std::string_view kFoldLimit = "fold-limit";          // a constant too large to compute
inline constexpr std::string_view kOverridableInitializer =
    "overridable-initializer";                                    // an input whose default became a constant
inline constexpr std::string_view kRaisedScale = "raised-scale";  // of a weight, for its bias to fit
inline constexpr std::string_view kStaysFloat = "stays-float";  // a tensor that the lower forms keep as it is
inline constexpr std::string_view kNoScales = "no-scales";      // fixed point without data and scales
inline constexpr std::string_view kPassNotRun = "pass-not-run";  // --dump-after names a pass that did not run
inline constexpr std::string_view kNothingQuantised = "nothing-quantised";  // a result without an integer
inline constexpr std::string_view kNoMatch = "no-match";      // a selector that names nothing of the model
inline constexpr std::string_view kNeverWins = "never-wins";  // a setting that others overrule everywhere
inline constexpr std::string_view kNoEffect = "no-effect";  // a setting that names only what it cannot affect
inline constexpr std::string_view kNotYet = "not-yet";  // what a configuration may say, but prepare cannot do
inline constexpr std::string_view kMissingKey = "missing-key";  // a key that a file of this kind must have
inline constexpr std::string_view kKeptKey = "kept-key";        // what is for a later tool alone
inline constexpr std::string_view kMixedForms = "mixed-forms";  // keys of two ways of writing in one file
inline constexpr std::string_view kDeprecatedKey = "deprecated-key";  // what its tool advises against
inline constexpr std::string_view kChosenMethod =
    "chosen-method";  // what qprep does where a file leaves it open
inline constexpr std::string_view kNotOnBpu =
    "not-on-bpu";  // a node that the configuration wants there, and why not
inline constexpr std::string_view kPreprocessing =
    "preprocessing";  // an input that cannot be fed as configured
inline constexpr std::string_view kDataControlFlow =
    "data-control-flow";  // an If, Loop or Scan that method symbolic refuses
inline constexpr std::string_view kGraphCut = "graph-cut";  // ends of a model that cannot be cut off, or were
inline constexpr std::string_view kFuseList = "fuse-list";  // a list of `fuse` that is not as the model is
inline constexpr std::string_view kBatchNormFolded =
    "batch-norm-folded";  // one that `bn: with_bn` cannot keep for training
inline constexpr std::string_view kProvisionalTarget =
    "provisional-target";                                   // a march whose numbers were concluded, not read
inline constexpr std::string_view kOddRange = "odd-range";  // calibration saw a tensor it can say little of
inline constexpr std::string_view kLowSimilarity =
    "low-similarity";  // no method makes results as near as the configuration asks for
inline constexpr std::string_view kNotDrawn = "not-drawn";  // a picture without Graphviz, or not by it

}  // namespace qprep::codes
