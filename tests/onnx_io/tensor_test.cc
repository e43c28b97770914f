#include <catch2/catch.hpp>
#include <limits>

#include "onnx_io/onnx_file.h"
#include "onnx_io/read_tensor.h"
#include "support/codes.h"
#include "support/fatal.h"
#include "support/onnx_compare.h"
#include "support/proto_models.h"

using namespace qprep;
using namespace qprep::test;
using Proto = onnx::TensorProto;

namespace {

onnx::ModelProto model_with(const Proto& tensor) {
  onnx::ModelProto model = relu_model();
  *model.mutable_graph()->add_initializer() = tensor;
  return model;
}

Proto tensor_of(Proto::DataType type, std::initializer_list<std::int64_t> dims) {
  Proto tensor;
  tensor.set_name("w");
  tensor.set_data_type(type);
  for (const std::int64_t dim : dims) tensor.add_dims(dim);
  return tensor;
}

/// As the reader sees it; an untouched copy has it as it was.
Tensor read(const Proto& tensor) {
  const onnx::ModelProto model = model_with(tensor);
  const OnnxFile file = read_proto(model);
  CHECK(difference(model, plain_model(serialize_onnx(file))).empty());
  return *file.model.graph->initializers()[0]->initializer();
}

std::string refusal(const Proto& tensor) {
  return fatal_text(codes::kCorruptModel, [&] { read_proto(model_with(tensor)); });
}

}  // namespace

TEST_CASE("every typed field is read") {
  Proto floats = tensor_of(Proto::FLOAT, {2});
  floats.add_float_data(1.5F);
  floats.add_float_data(-0.0F);
  CHECK(read(floats).to_vector<float>() == std::vector<float>{1.5F, -0.0F});

  Proto complex = tensor_of(Proto::COMPLEX64, {1});
  complex.add_float_data(1);
  complex.add_float_data(2);
  CHECK(read(complex).to_vector<float>() == std::vector<float>{1, 2});

  Proto doubles = tensor_of(Proto::DOUBLE, {1});
  doubles.add_double_data(1e300);
  CHECK(read(doubles).at<double>(0) == 1e300);

  Proto int64s = tensor_of(Proto::INT64, {1, 1});
  int64s.add_int64_data(std::numeric_limits<std::int64_t>::min());
  CHECK(read(int64s).at<std::int64_t>(0) == std::numeric_limits<std::int64_t>::min());

  Proto uint64s = tensor_of(Proto::UINT64, {1});
  uint64s.add_uint64_data(std::numeric_limits<std::uint64_t>::max());
  CHECK(read(uint64s).at<std::uint64_t>(0) == std::numeric_limits<std::uint64_t>::max());

  Proto uint32s = tensor_of(Proto::UINT32, {2});
  uint32s.add_uint64_data(0xffffffff);
  uint32s.add_uint64_data(1);
  CHECK(read(uint32s).to_vector<std::uint32_t>() == std::vector<std::uint32_t>{0xffffffff, 1});

  Proto int32s = tensor_of(Proto::INT32, {1});
  int32s.add_int32_data(-7);
  CHECK(read(int32s).at<std::int32_t>(0) == -7);

  Proto int16s = tensor_of(Proto::INT16, {2});
  int16s.add_int32_data(-7);
  int16s.add_int32_data(30000);
  CHECK(read(int16s).to_vector<std::int16_t>() == std::vector<std::int16_t>{-7, 30000});

  Proto halves = tensor_of(Proto::FLOAT16, {1});
  halves.add_int32_data(0x3c00);
  CHECK(read(halves).at<std::uint16_t>(0) == 0x3c00);

  Proto int8s = tensor_of(Proto::INT8, {2});
  int8s.add_int32_data(-128);
  int8s.add_int32_data(127);
  CHECK(read(int8s).to_vector<std::int8_t>() == std::vector<std::int8_t>{-128, 127});

  Proto bools = tensor_of(Proto::BOOL, {2});
  bools.add_int32_data(1);
  bools.add_int32_data(0);
  CHECK(read(bools).to_vector<std::uint8_t>() == std::vector<std::uint8_t>{1, 0});

  Proto int4s = tensor_of(Proto::INT4, {3});  // two an entry
  int4s.add_int32_data(0x21);
  int4s.add_int32_data(0x03);
  CHECK(read(int4s).to_vector<std::uint8_t>() == std::vector<std::uint8_t>{0x21, 0x03});
}

TEST_CASE("scalars and empty tensors are read") {
  Proto scalar = tensor_of(Proto::FLOAT, {});
  scalar.add_float_data(3);
  CHECK(read(scalar).dims().empty());
  CHECK(read(scalar).at<float>(0) == 3);
  CHECK(read(tensor_of(Proto::FLOAT, {0, 4})).bytes().empty());
  CHECK(read(tensor_of(Proto::INT8, {0})).bytes().empty());
}

TEST_CASE("strings keep their record") {
  Proto strings = tensor_of(Proto::STRING, {2});
  strings.add_string_data("a");
  strings.add_string_data(std::string("b\0c", 3));
  const Tensor tensor = read(strings);
  CHECK(tensor.dtype() == DType::kString);
  CHECK(tensor.bytes().empty());
  REQUIRE(string_record(tensor));
  CHECK(string_record(tensor)->string_data(1) == std::string("b\0c", 3));
  CHECK_FALSE(string_record(Tensor::scalar(1)));
}

TEST_CASE("types that are not known yet pass through") {
  Proto future = tensor_of(Proto::FLOAT, {3});
  future.set_data_type(77);
  future.set_raw_data("whatever");
  const Tensor tensor = read(future);
  CHECK(static_cast<int>(tensor.dtype()) == 77);
  CHECK(tensor.bytes().size() == 8);

  Proto elsewhere = tensor_of(Proto::FLOAT, {3});
  elsewhere.set_data_type(77);
  elsewhere.add_int32_data(5);
  CHECK(read(elsewhere).bytes().empty());

  Proto part = tensor_of(Proto::FLOAT, {100});
  part.mutable_segment()->set_begin(0);
  part.mutable_segment()->set_end(1);
  part.add_float_data(1);
  CHECK(read(part).dtype() == DType::kUndefined);
}

TEST_CASE("data that do not fit the dims are refused by name") {
  using Catch::Contains;
  Proto raw = tensor_of(Proto::FLOAT, {2});
  raw.set_raw_data("12345");
  CHECK_THAT(refusal(raw), Contains("initializer 'w'") && Contains("5 bytes") && Contains("takes 8"));

  Proto typed = tensor_of(Proto::FLOAT, {2});
  typed.add_float_data(1);
  CHECK_THAT(refusal(typed), Contains("initializer 'w'"));

  Proto narrow = tensor_of(Proto::INT8, {2});
  narrow.add_int32_data(1);
  CHECK_THAT(refusal(narrow), Contains("initializer 'w'"));

  Proto strings = tensor_of(Proto::STRING, {2});
  strings.add_string_data("one");
  CHECK_THAT(refusal(strings), Contains("1 strings") && Contains("take 2"));

  CHECK_THAT(refusal(tensor_of(Proto::FLOAT, {-1})), Contains("negative"));
  CHECK_THAT(refusal(tensor_of(Proto::FLOAT, {std::int64_t{1} << 40, std::int64_t{1} << 40})),
             Contains("too large"));
  CHECK_THAT(refusal(tensor_of(Proto::FLOAT, {std::int64_t{1} << 62})), Contains("too large"));

  onnx::ModelProto attribute = relu_model();
  Proto& value =
      *add_attribute(*attribute.mutable_graph()->mutable_node(0), "value", onnx::AttributeProto::TENSOR)
           .mutable_t();
  value.set_data_type(Proto::FLOAT);
  CHECK_THAT(fatal_text(codes::kCorruptModel, [&] { read_proto(attribute); }), Contains("node 'relu'"));
}
