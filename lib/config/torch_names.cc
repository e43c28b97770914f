#include "config/torch_names.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <map>

#include "config/config_folder.h"
#include "config/quote.h"
#include "config/yaml_reader.h"
#include "support/text.h"

namespace qprep {
namespace {

/// Classes or functions: where they live, and what they become.
struct Names {
  std::vector<std::string> in;
  std::map<std::string, TorchType, std::less<>> types;

  /// Null: unknown, or none that becomes an operator of its own.
  const TorchType* find(std::string_view name) const {
    const auto at = types.find(name);
    return at == types.end() || at->second.operators.empty() ? nullptr : &at->second;
  }
  bool is_several(std::string_view name) const {
    const auto at = types.find(name);
    return at != types.end() && at->second.operators.empty();
  }
  bool live_in(std::string_view scope) const { return std::find(in.begin(), in.end(), scope) != in.end(); }
};

struct TorchNames {
  Names classes, functions;
};

Names read_names(YamlMap map) {
  Names names;
  for (const auto& scope : map.texts("in")) names.in.push_back(scope.value);
  YamlMap types = map.map("names");
  for (const auto& name : types.keys()) {
    TorchType type;
    for (const auto& op : types.texts(name.value)) type.operators.push_back(op.value);
    names.types.emplace(name.value, std::move(type));
  }
  map.finish();
  return names;
}

const TorchNames& torch_names() {
  static const TorchNames names = [] {
    Diagnostics diagnostics;
    const auto root = read_yaml((find_configs() / "torch_names.yaml").string(), diagnostics);
    YamlMap map(*root, "", diagnostics);
    TorchNames read{read_names(map.map("classes")), read_names(map.map("functions"))};
    map.finish();
    diagnostics.throw_if_error();
    return read;
  }();
  return names;
}

/// "torch.nn.Conv2d" in two: what stands before the last dot, and the name.
struct Parts {
  std::string_view scope, name;
};

Parts parts_of(std::string_view word) {
  // An overload of an operator of ATen: torch.ops.aten.add.Tensor.
  for (const std::string_view overload : {".default", ".Tensor", ".Scalar"}) {
    if (word.ends_with(overload)) word.remove_suffix(overload.size());
  }
  const std::size_t dot = word.rfind('.');
  if (dot == std::string_view::npos) return {"", word};
  return {word.substr(0, dot), word.substr(dot + 1)};
}

/// torch.nn.modules.conv.Conv2d, as Python prints a class, is torch.nn.Conv2d.
bool is_class_scope(std::string_view scope) {
  return torch_names().classes.live_in(scope) || scope.starts_with("torch.nn.modules.");
}

bool is_operator(std::string_view name) {
  return !name.empty() && (std::isupper(static_cast<unsigned char>(name.front())) != 0);
}

std::vector<std::string> names_of(const Names& names) {
  std::vector<std::string> all;
  for (const auto& [name, type] : names.types) all.push_back(name);
  return all;
}

}  // namespace

std::optional<TorchType> torch_type(std::string_view word) {
  if (word.find("::") != std::string_view::npos) return TorchType{{std::string(word)}};
  const TorchNames& known = torch_names();
  const auto [scope, name] = parts_of(word);
  if (scope.empty() || is_class_scope(scope)) {
    if (const TorchType* type = known.classes.find(name)) return *type;
  }
  if (scope.empty() || known.functions.live_in(scope)) {
    if (const TorchType* type = known.functions.find(name)) return *type;
  }
  if (scope.empty() && is_operator(name) && !known.classes.is_several(name))
    return TorchType{{std::string(name)}};
  return std::nullopt;
}

std::string why_no_torch_type(std::string_view word) {
  const TorchNames& known = torch_names();
  const auto [scope, name] = parts_of(word);
  if (known.classes.is_several(name) || known.functions.is_several(name)) {
    return fmt::format(
        "{} becomes several operators in a model file, which others may be, too; name its module "
        "by module_name",
        quote(word));
  }
  if (scope.empty()) {
    return fmt::format(
        "{} is no function of PyTorch that becomes an operator{}; ONNX operators begin with a "
        "capital",
        quote(word), did_you_mean(name, names_of(known.functions)));
  }
  const bool is_class = is_class_scope(scope), is_function = known.functions.live_in(scope);
  if (!is_class && !is_function) {
    std::vector<std::string> scopes = known.classes.in;
    scopes.insert(scopes.end(), known.functions.in.begin(), known.functions.in.end());
    return fmt::format(
        "{} is no class or function of PyTorch, and a model file does not keep classes of other "
        "packages{}; name its modules by module_name",
        quote(word), did_you_mean(scope, scopes));
  }
  return fmt::format("{} is nothing of PyTorch that becomes an operator{}", quote(word),
                     did_you_mean(name, names_of(is_class ? known.classes : known.functions)));
}

}  // namespace qprep
