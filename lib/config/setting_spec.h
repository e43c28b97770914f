#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml_reader.h"
#include "plan/setting.h"

namespace qprep {

/// What the word `usual` of a template means: activations.dtype and weights.dtype.
struct UsualPrecision {
  Placed<Precision> activations{Precision::kInt8, {}};  // line 0: it is the default
  Placed<Precision> weights{Precision::kInt8, {}};
};

/// Where a setting that a template makes is said to stand: at the line that names the template.
struct SaidAt {
  Where where;
  std::string what;
};

/// Reads what a configuration says of the nodes that a selector names: a dtype, or a map of slots.
/// docs/config.md, "What is said of a node", describes it for users.
class SpecReader {
 public:
  /// Errors go to `diagnostics`; what is correct but prepare cannot carry out yet to `not_yet`.
  SpecReader(const UsualPrecision& usual, Diagnostics& diagnostics, Diagnostics& not_yet)
      : usual_(usual), diagnostics_(diagnostics), not_yet_(not_yet) {}

  /// Appends to `settings` what `spec`, which stands at `where`, says. `what`: "module_name 'head'".
  /// `template_at`: the settings come from a template that is named there.
  void read(const Selector& selector, const YamlNode& spec, const Where& where, const std::string& what,
            const std::optional<SaidAt>& template_at, std::vector<Setting>& settings);

  /// A dtype; nullopt after saying what is wrong, or that it cannot be carried out yet.
  std::optional<Precision> dtype(const YamlNode& node, const std::string& name);
  /// The observer, averaging constant, scale, ... of a map like `output` or `activations`; the key dtype is
  /// the caller's. `weight`: the map speaks of weights.
  std::vector<Placed<Says>> aspects(YamlMap& map, bool weight);

  void wrong(std::string message, const Where& where);
  void later(const std::string& what, const Where& where);
  /// A warning: what stands there is correct, and changes nothing.
  void no_effect(std::string message, const Where& where);

 private:
  struct Target;
  void warn_of_contradictions(const std::string& what, const YamlNode& spec);
  void read_slot(const Target& target, Slot slot, const YamlNode& node, const Where& where,
                 const std::string& name, std::optional<std::size_t> input);
  void read_inputs(const Target& target, const YamlNode& node, const Where& where, const std::string& name);
  void read_threshold(const Target& target, const YamlNode& node, const Where& where);
  void add(const Target& target, Slot slot, Says says, const Where& where, const std::string& name,
           std::optional<std::size_t> input = std::nullopt);
  /// A dtype, and which other line it repeats: " as activations.dtype in line 3".
  struct SaidDtype {
    Precision precision;
    std::string as = {};
    Where repeats_at = {};
  };
  void add(const Target& target, Slot slot, const SaidDtype& dtype, const Where& where,
           const std::string& name, std::optional<std::size_t> input = std::nullopt);
  std::optional<SaidDtype> dtype_or_usual(const YamlNode& node, const std::string& name, const Target& target,
                                          Slot slot);

  const UsualPrecision& usual_;
  Diagnostics& diagnostics_;
  Diagnostics& not_yet_;
};

/// A finite number; nullopt: it is none.
std::optional<double> number_of(const YamlNode& node);

}  // namespace qprep
