#include "onnx_io/protobuf_copy.h"

#include <algorithm>
#include <google/protobuf/descriptor.h>
#include <stdexcept>
#include <vector>

namespace qprep {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

void copy_single(const Message& from, Message& to, const FieldDescriptor* field) {
  const Reflection& reflection = *from.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection.SetInt32(&to, field, reflection.GetInt32(from, field));
    case FieldDescriptor::CPPTYPE_INT64:
      return reflection.SetInt64(&to, field, reflection.GetInt64(from, field));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return reflection.SetFloat(&to, field, reflection.GetFloat(from, field));
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection.SetEnumValue(&to, field, reflection.GetEnumValue(from, field));
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection.SetString(&to, field, reflection.GetString(from, field));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return reflection.MutableMessage(&to, field)->CopyFrom(reflection.GetMessage(from, field));
    default:
      throw std::logic_error("copy_fields: no case for " + field->full_name());
  }
}

void copy_repeated(const Message& from, Message& to, const FieldDescriptor* field) {
  const Reflection& reflection = *from.GetReflection();
  for (int i = 0; i < reflection.FieldSize(from, field); ++i) {
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT64:
        reflection.AddInt64(&to, field, reflection.GetRepeatedInt64(from, field, i));
        break;
      case FieldDescriptor::CPPTYPE_FLOAT:
        reflection.AddFloat(&to, field, reflection.GetRepeatedFloat(from, field, i));
        break;
      case FieldDescriptor::CPPTYPE_STRING:
        reflection.AddString(&to, field, reflection.GetRepeatedString(from, field, i));
        break;
      case FieldDescriptor::CPPTYPE_MESSAGE:
        reflection.AddMessage(&to, field)->CopyFrom(reflection.GetRepeatedMessage(from, field, i));
        break;
      default:
        throw std::logic_error("copy_fields: no case for " + field->full_name());
    }
  }
}

}  // namespace

void copy_fields(const Message& from, Message& to, std::initializer_list<int> but) {
  const Reflection& reflection = *from.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(from, &fields);
  for (const FieldDescriptor* field : fields) {
    if (std::find(but.begin(), but.end(), field->number()) != but.end()) continue;
    if (field->is_repeated()) {
      copy_repeated(from, to, field);
    } else {
      copy_single(from, to, field);
    }
  }
  reflection.MutableUnknownFields(&to)->MergeFrom(reflection.GetUnknownFields(from));
}

}  // namespace qprep
