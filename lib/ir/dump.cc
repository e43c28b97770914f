#include "ir/dump.h"

#include <cstring>
#include <fmt/format.h>

namespace qprep {
namespace {

constexpr std::int64_t kShownElements = 8;

// FNV-1a, 64 bits.
std::uint64_t hash_of(std::span<const std::byte> bytes) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const std::byte byte : bytes) hash = (hash ^ static_cast<std::uint64_t>(byte)) * 1099511628211ULL;
  return hash;
}

// Shortest decimal that reads back as the same number; "1.0" rather than "1", so that floats show as floats.
template <typename T>
std::string float_text(T value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string element_text(const Tensor& tensor, std::int64_t i) {
  switch (tensor.dtype()) {
    case DType::kFloat32:
      return float_text(tensor.at<float>(i));
    case DType::kFloat64:
      return float_text(tensor.at<double>(i));
    case DType::kInt64:
      return fmt::to_string(tensor.at<std::int64_t>(i));
    case DType::kUInt64:
      return fmt::to_string(tensor.at<std::uint64_t>(i));
    case DType::kInt32:
      return fmt::to_string(tensor.at<std::int32_t>(i));
    case DType::kUInt32:
      return fmt::to_string(tensor.at<std::uint32_t>(i));
    case DType::kInt16:
      return fmt::to_string(tensor.at<std::int16_t>(i));
    case DType::kUInt16:
      return fmt::to_string(tensor.at<std::uint16_t>(i));
    case DType::kInt8:
      return fmt::to_string(tensor.at<std::int8_t>(i));
    case DType::kUInt8:
      return fmt::to_string(tensor.at<std::uint8_t>(i));
    case DType::kBool:
      return tensor.at<std::uint8_t>(i) ? "true" : "false";
    default:
      return {};
  }
}

std::string dims_text(const Dims& dims) {
  std::string text = "[";
  for (std::size_t i = 0; i < dims.size(); ++i) text += fmt::format("{}{}", i > 0 ? "," : "", dims[i]);
  return text + "]";
}

std::string tensor_text(const Tensor& tensor) {
  const std::string type = to_text(tensor.dtype()) + dims_text(tensor.dims());
  const std::int64_t count = tensor.size();
  const bool readable = count == 0 || !element_text(tensor, 0).empty();
  if (tensor.payload().size() == 0 && count > 0) return type;
  if (!readable || count > kShownElements)
    return fmt::format("{} hash {:016x}", type, hash_of(tensor.bytes()));
  std::string text = type + " {";
  for (std::int64_t i = 0; i < count; ++i) text += (i > 0 ? ", " : "") + element_text(tensor, i);
  return text + "}";
}

template <typename T, typename Text>
std::string list_text(const std::vector<T>& items, Text text) {
  std::string out = "[";
  for (std::size_t i = 0; i < items.size(); ++i) out += (i > 0 ? "," : "") + text(items[i]);
  return out + "]";
}

class Dumper {
 public:
  std::string out;

  void line(int depth, std::string_view text) {
    out.append(static_cast<std::size_t>(depth) * 2, ' ');
    out += text;
    out += '\n';
  }

  void graph(const Graph& graph, int depth) {
    for (const Value* input : graph.inputs()) {
      line(depth, fmt::format("input {}: {}{}", quoted(input->name()), to_text(input->type()),
                              input->initializer() ? " = " + tensor_text(*input->initializer()) : ""));
    }
    for (const Value* value : graph.initializers()) {
      if (value->is_graph_input()) continue;
      line(depth, fmt::format("const {}: {}", quoted(value->name()), tensor_text(*value->initializer())));
    }
    for (const Node& node : graph.nodes()) this->node(node, depth);
    for (const Value* output : graph.outputs()) {
      line(depth, fmt::format("output {}: {}", quoted(output->name()), to_text(output->type())));
    }
  }

 private:
  void node(const Node& node, int depth) {
    std::string text;
    for (std::size_t i = 0; i < node.output_count(); ++i) {
      const Value& value = node.output(i);
      if (i > 0) text += ", ";
      text += value.name().empty() ? "_" : fmt::format("{}: {}", quoted(value.name()), to_text(value.type()));
    }
    text += fmt::format(" = {}{}{}{}(", node.domain(), node.domain().empty() ? "" : ".", node.op(),
                        node.overload().empty() ? "" : ":" + node.overload());
    for (std::size_t i = 0; i < node.input_count(); ++i) {
      text += fmt::format("{}{}", i > 0 ? ", " : "", node.input(i) ? quoted(node.input(i)->name()) : "_");
    }
    text += ")";
    for (const Attribute& attribute : node.attributes()) {
      text += fmt::format(" {}={}", attribute.name, value_text(attribute));
    }
    text += " # " + node.label();
    for (const std::string& other : node.absorbed()) text += " + " + other;
    line(depth, text);
    for (const Graph* body : node.bodies()) {
      line(depth + 1, fmt::format("body {}", quoted(body->name())));
      graph(*body, depth + 2);
    }
  }

  static std::string value_text(const Attribute& attribute) {
    if (!attribute.reference.empty()) return "@" + attribute.reference;
    struct Text {
      std::string operator()(std::monostate) const { return "(as in the file)"; }
      std::string operator()(std::int64_t v) const { return fmt::to_string(v); }
      std::string operator()(float v) const { return float_text(v); }
      std::string operator()(const std::string& v) const { return quoted(v); }
      std::string operator()(const Tensor& v) const { return tensor_text(v); }
      std::string operator()(const std::unique_ptr<Graph>&) const { return "(body)"; }
      std::string operator()(const std::vector<std::int64_t>& v) const {
        return list_text(v, [](std::int64_t x) { return fmt::to_string(x); });
      }
      std::string operator()(const std::vector<float>& v) const {
        return list_text(v, [](float x) { return float_text(x); });
      }
      std::string operator()(const std::vector<std::string>& v) const {
        return list_text(v, [](const std::string& x) { return quoted(x); });
      }
      std::string operator()(const std::vector<std::unique_ptr<Graph>>& v) const {
        return fmt::format("({} bodies)", v.size());
      }
    };
    return std::visit(Text{}, attribute.value);
  }
};

}  // namespace

std::string dump(const Model& model) {
  Dumper dumper;
  std::string head = fmt::format("model ir={}", model.ir_version);
  for (const auto& [domain, version] : model.opsets) {
    head += fmt::format(" {}={}", domain.empty() ? "onnx" : domain, version);
  }
  dumper.line(0, head);
  dumper.line(0, fmt::format("graph {}", quoted(model.graph->name())));
  dumper.graph(*model.graph, 1);
  for (const Function& function : model.functions) {
    dumper.line(0, fmt::format("function {}.{}{}{}", function.domain, function.name,
                               function.overload.empty() ? "" : ":", function.overload));
    dumper.graph(*function.body, 1);
  }
  return std::move(dumper.out);
}

}  // namespace qprep
