/// libFuzzer's mutator for inputs that are models: it changes messages, not bytes, so that most of what it
/// makes passes the parser and reaches what lies behind. Linked to the same target as bytes are fuzzed with.
#include <cstdint>
#include <google/protobuf/message.h>
#include <onnx/onnx_pb.h>
#include <random>
#include <string>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  void mutate(onnx::ModelProto& model) {
    collect(model);
    Message& message = *messages_[pick(messages_.size())];
    const auto* fields = message.GetDescriptor();
    const FieldDescriptor* field =
        fields->field(static_cast<int>(pick(static_cast<std::size_t>(fields->field_count()))));
    if (field->is_repeated()) {
      change_repeated(message, field);
    } else {
      change_single(message, field);
    }
  }

 private:
  std::size_t pick(std::size_t count) { return random_() % count; }
  bool once_in(unsigned n) { return random_() % n == 0; }

  /// Every message inside, and every string: names are worth exchanging.
  void collect(Message& message) {
    messages_.push_back(&message);
    const Reflection& reflection = *message.GetReflection();
    std::vector<const FieldDescriptor*> fields;
    reflection.ListFields(message, &fields);
    for (const FieldDescriptor* field : fields) {
      const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
      for (int i = 0; i < count; ++i) {
        if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
          collect(field->is_repeated() ? *reflection.MutableRepeatedMessage(&message, field, i)
                                       : *reflection.MutableMessage(&message, field));
        } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
          strings_.push_back(field->is_repeated() ? reflection.GetRepeatedString(message, field, i)
                                                  : reflection.GetString(message, field));
        }
      }
    }
  }

  std::string any_string() {
    if (!strings_.empty() && !once_in(8)) return strings_[pick(strings_.size())];
    std::string text(16, 'a');
    text.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(text.data()), 1, text.size()));
    return text;
  }

  std::int64_t any_number() {
    constexpr std::int64_t kOdd[] = {-1, 0,   1,    2,         3,         7,         8,           16,
                                     64, 127, 1024, 1LL << 31, 1LL << 40, 1LL << 62, -(1LL << 62)};
    return once_in(4) ? static_cast<std::int64_t>(random_()) : kOdd[pick(std::size(kOdd))];
  }

  void change_single(Message& message, const FieldDescriptor* field) {
    const Reflection& reflection = *message.GetReflection();
    if (once_in(4)) return reflection.ClearField(&message, field);
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return reflection.SetInt32(&message, field, static_cast<std::int32_t>(any_number()));
      case FieldDescriptor::CPPTYPE_INT64:
        return reflection.SetInt64(&message, field, any_number());
      case FieldDescriptor::CPPTYPE_FLOAT:
        return reflection.SetFloat(&message, field, static_cast<float>(any_number()));
      case FieldDescriptor::CPPTYPE_ENUM:
        return reflection.SetEnumValue(&message, field, static_cast<int>(pick(16)));
      case FieldDescriptor::CPPTYPE_STRING:
        return reflection.SetString(&message, field, any_string());
      case FieldDescriptor::CPPTYPE_MESSAGE: {
        const std::string copy = donor(field);
        reflection.MutableMessage(&message, field)->ParsePartialFromString(copy);
        return;
      }
      default:
        return;
    }
  }

  /// Adds, removes, doubles or swaps elements.
  void change_repeated(Message& message, const FieldDescriptor* field) {
    const Reflection& reflection = *message.GetReflection();
    const int size = reflection.FieldSize(message, field);
    if (size > 0 && once_in(3)) return reflection.RemoveLast(&message, field);
    if (size > 1 && once_in(2)) {
      const auto any = [&] { return static_cast<int>(pick(static_cast<std::size_t>(size))); };
      return reflection.SwapElements(&message, field, any(), any());
    }
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return reflection.AddInt32(&message, field, static_cast<std::int32_t>(any_number()));
      case FieldDescriptor::CPPTYPE_INT64:
        return reflection.AddInt64(&message, field, any_number());
      case FieldDescriptor::CPPTYPE_UINT64:
        return reflection.AddUInt64(&message, field, static_cast<std::uint64_t>(any_number()));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return reflection.AddFloat(&message, field, static_cast<float>(any_number()));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return reflection.AddDouble(&message, field, static_cast<double>(any_number()));
      case FieldDescriptor::CPPTYPE_STRING:
        return reflection.AddString(&message, field, any_string());
      case FieldDescriptor::CPPTYPE_MESSAGE: {
        const std::string copy = donor(field);
        reflection.AddMessage(&message, field)->ParsePartialFromString(copy);
        return;
      }
      default:
        return;
    }
  }

  /// The bytes of a message of that kind from anywhere in the model, if there is one. Before a field is made:
  /// that may take another message's place.
  std::string donor(const FieldDescriptor* field) {
    std::vector<const Message*> alike;
    for (const Message* other : messages_) {
      if (other->GetDescriptor() == field->message_type()) alike.push_back(other);
    }
    return alike.empty() ? std::string() : alike[pick(alike.size())]->SerializePartialAsString();
  }

  std::minstd_rand random_;
  std::vector<Message*> messages_;
  std::vector<std::string> strings_;
};

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  onnx::ModelProto model;
  // A tenth of all changes are to bytes, whatever they mean.
  if (seed % 10 == 0 || !model.ParseFromArray(data, static_cast<int>(size))) {
    return LLVMFuzzerMutate(data, size, max_size);
  }
  for (unsigned i = 0; i <= seed / 10 % 4; ++i) Mutator(seed + i).mutate(model);
  const std::string text = model.SerializePartialAsString();
  if (text.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::copy(text.begin(), text.end(), data);
  return text.size();
}
