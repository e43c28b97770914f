#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ir/graph.h"
#include "target/number.h"
#include "target/situation.h"

/// The quantities of a node that constraints speak of, by name. docs/targets.md lists them.
namespace qprep {

enum class QuantityKind { kNumber, kWord, kFact };

/// What a quantity lists, and so how messages call one of its values.
enum class Items {
  kNone,     // it is no list
  kAlike,    // all by its noun
  kAxes,     // by their number: "size of axis 2"
  kSpatial,  // D, H, W
  kSides,    // depth, height, width
  kEdges,    // as ONNX orders pads: all begins, then all ends
  kTopBottom,
  kLeftRight,
  kFrontBack,
  kChannels,  // input, output
};

/// One number, word or fact of a node.
struct Reading {
  std::variant<std::monostate, Number, std::string, bool> value;  // monostate: unknown
  std::string missing;                                            // what is unknown, as in "H is unknown"
  std::size_t tensor = 0;                                         // of inputs and outputs: which
  std::size_t place = 0;                                          // of a list: which
  std::size_t count = 1;                                          // of a list: how many there are

  bool known() const { return value.index() != 0; }
};

/// All values of a quantity: one, or those of a list.
struct Readings {
  bool is_list = false;
  std::vector<Reading> items;
  std::string missing;  // of a list: why its length is unknown; empty: all its items are there

  static Readings of(Number number);
  static Readings of(std::string word);
  static Readings of(bool fact);
  static Readings of(std::optional<bool> fact, std::string_view missing);
  static Readings unknown(std::string missing);
  static Readings numbers(std::span<const std::int64_t> values);
  static Readings no_list(std::string missing);
};

struct NodeView {
  const Node& node;
  const Situation& situation;
};

/// Whose dims, element type or precision: a tensor of the node.
enum class TensorPlace { kInput, kInputs, kOutput, kOutputs, kWeight, kFeature };

struct Quantity;

/// A quantity as a constraint names it: "kernel", "input1.C", "dims[1..]".
struct QuantityName {
  const Quantity* quantity = nullptr;
  TensorPlace tensor = TensorPlace::kInput;
  std::size_t number = 0;  // kInput, kOutput
  bool implied = true;     // no tensor is named: the first input
  /// Of a list, the places from first to last; negative ones count from its end.
  std::optional<std::pair<std::int64_t, std::int64_t>> slice;
  std::string attribute;  // "attribute.NAME"

  /// As it is written.
  std::string text() const;
  /// The noun of one value in a message: "kernel height", "C of input 1".
  std::string noun(const Reading& reading) const;
  /// The noun of all of them in a rule: "each kernel size".
  std::string noun() const;
};

using QuantityReader = Readings (*)(const NodeView&, const QuantityName&);

/// A row of the catalogue.
struct Quantity {
  std::string_view name;
  QuantityKind kind = QuantityKind::kNumber;
  Items items = Items::kNone;
  bool of_tensor = false;               // stands behind a tensor's name
  std::string_view noun = {};           // of one value; of a fact: the clause that says it
  std::string_view all = {};            // of a list: "each kernel size"; of a fact: the clause that denies it
  std::string_view remedy = {};         // "use a kernel of"; empty: "bring NOUN to"
  std::vector<std::string> words = {};  // kWord: all that it can be; empty: any
  QuantityReader read = nullptr;

  bool is_list() const { return items != Items::kNone; }
};

/// By name.
std::span<const Quantity> quantities();

/// The values of the quantity, its slice taken.
Readings read(const QuantityName& name, const NodeView& node);

/// Finds a name: "kernel", "input1.C", "attribute.alpha". nullopt: there is none; `candidates` has those that
/// might be meant.
std::optional<QuantityName> quantity_named(std::string_view text, std::vector<std::string>& candidates);

}  // namespace qprep
