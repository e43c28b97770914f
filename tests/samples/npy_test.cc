#include "samples/npy.h"

#include <catch2/catch.hpp>
#include <complex>
#include <memory>
#include <string>
#include <vector>

#include "runtime/temporary_folder.h"
#include "support/codes.h"
#include "support/diagnostics.h"

using namespace qprep;

namespace {

std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span<const char>(text));
}

/// A file with this header text, as NumPy lays it out.
std::string npy(const std::string& header, const std::string& data, char major = 1) {
  const std::size_t length = header.size() + 1;
  std::string file = "\x93NUMPY";
  file += {major, '\0', static_cast<char>(length % 256), static_cast<char>(length / 256)};
  if (major > 1) file += {'\0', '\0'};
  return file + header + "\n" + data;
}

Tensor parsed(const std::string& file) {
  const auto kept = std::make_shared<const std::string>(file);
  return parse_npy(as_bytes(*kept), kept, "x.npy");
}

std::string refusal(const std::string& file) {
  try {
    parsed(file);
  } catch (const Fatal& fatal) {
    CHECK(fatal.diagnostics().at(0).code == codes::kBadSample);
    CHECK(fatal.diagnostics().at(0).where.file == "x.npy");
    return fatal.diagnostics().at(0).message;
  }
  return "accepted";
}

template <typename T>
void check_round_trip(DType dtype, Dims dims, std::vector<T> values) {
  const Tensor tensor = Tensor::of<T>(dtype, std::move(dims), std::move(values));
  const auto file = std::make_shared<const std::vector<std::byte>>(npy_bytes(tensor));
  CHECK((file->size() - tensor.bytes().size()) % 64 == 0);
  const Tensor again = parse_npy(*file, file, "x.npy");
  CHECK(again.dtype() == tensor.dtype());
  CHECK(again.dims() == tensor.dims());
  CHECK(again.to_vector<T>() == tensor.to_vector<T>());
}

}  // namespace

TEST_CASE("every dtype of NumPy is written and read again") {
  check_round_trip<std::uint8_t>(DType::kBool, {2}, {1, 0});
  check_round_trip<std::int8_t>(DType::kInt8, {3}, {-128, 0, 127});
  check_round_trip<std::uint8_t>(DType::kUInt8, {1, 2}, {0, 255});
  check_round_trip<std::int16_t>(DType::kInt16, {2}, {-32768, 32767});
  check_round_trip<std::uint16_t>(DType::kUInt16, {2}, {0, 65535});
  check_round_trip<std::int32_t>(DType::kInt32, {1, 1, 1}, {-7});
  check_round_trip<std::uint32_t>(DType::kUInt32, {1}, {4000000000U});
  check_round_trip<std::int64_t>(DType::kInt64, {}, {-5});
  check_round_trip<std::uint64_t>(DType::kUInt64, {1}, {~std::uint64_t{0}});
  check_round_trip<std::uint16_t>(DType::kFloat16, {2}, {0x3c00, 0xc000});
  check_round_trip<float>(DType::kFloat32, {2, 3}, {1.5F, -2, 3, 4, 5, 6});
  check_round_trip<double>(DType::kFloat64, {1}, {1e300});
  check_round_trip<std::complex<float>>(DType::kComplex64, {1}, {{1, 2}});
  check_round_trip<std::complex<double>>(DType::kComplex128, {1}, {{1, 2}});
  check_round_trip<float>(DType::kFloat32, {2, 0, 3}, {});
  CHECK_THROWS_AS(npy_bytes(Tensor::of<std::uint16_t>(DType::kBFloat16, {1}, {0})), std::invalid_argument);
}

TEST_CASE("headers of all versions, spellings and key orders are read") {
  const std::string data = "\1\2";
  const std::string first = "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }";
  for (const char version : {'\1', '\2', '\3'}) {
    CHECK(parsed(npy(first, data, version)).to_vector<std::uint8_t>() == std::vector<std::uint8_t>{1, 2});
  }
  CHECK(parsed(npy("{\"shape\":(2,1),\"fortran_order\":True,\"descr\":\"<i1\"}   ", data)).dims() ==
        Dims{2, 1});
  CHECK(
      parsed(npy("{'descr': '<u2', 'fortran_order': False, 'shape': ()}", data)).to_vector<std::uint16_t>() ==
      std::vector<std::uint16_t>{513});
}

TEST_CASE("a tensor in C order is a view, one in Fortran order is turned") {
  const auto file = std::make_shared<const std::string>(
      npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)}", "\1\2\3\4\5\6"));
  const Tensor view = parse_npy(as_bytes(*file), file, "x.npy");
  CHECK(view.bytes().data() == as_bytes(*file).data() + file->size() - 6);

  const Tensor turned =
      parsed(npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3)}", "\1\4\2\5\3\6"));
  CHECK(turned.to_vector<std::uint8_t>() == std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6});
  // a[i,j,k] = 100 i + 10 j + k of shape (2,2,2), the first index running fastest
  const Tensor cube = parsed(npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2, 2)}",
                                 {'\x00', '\x64', '\x0a', '\x6e', '\x01', '\x65', '\x0b', '\x6f'}));
  CHECK(cube.to_vector<std::uint8_t>() == std::vector<std::uint8_t>{0, 1, 10, 11, 100, 101, 110, 111});
}

TEST_CASE("what is no .npy file of numbers is refused with a sentence") {
  const auto header = [](const std::string& descr, const std::string& shape) {
    return "{'descr': " + descr + ", 'fortran_order': False, 'shape': " + shape + ", }";
  };
  CHECK(refusal("") == "it is empty, not a .npy file");
  CHECK(refusal("PK\3\4 an archive") == "it is no .npy file: it does not begin with \\x93NUMPY");
  CHECK(refusal("\x93NUMPY") == "it ends inside its .npy header");
  CHECK(refusal(std::string("\x93NUMPY\1\0\xff\0{", 11)) == "it ends inside its .npy header");
  CHECK(refusal(std::string("\x93NUMPY\3\0\xff\xff\xff\xff{", 13)) == "it ends inside its .npy header");
  CHECK(refusal(std::string("\x93NUMPY\4\0\1\0{", 11)) == "its .npy version is 4.0; 1.0, 2.0 and 3.0 exist");
  CHECK(refusal(npy(header("'|O'", "(1,)"), "x")) ==
        "it holds pickled Python objects; a sample is an array of numbers");
  CHECK(refusal(npy(header("[('a', '<f4')]", "(1,)"), "1234")) ==
        "it holds records; a sample is an array of numbers");
  CHECK(refusal(npy(header("'<U5'", "(1,)"), "x")) ==
        "its dtype '<U5' is none of bool, integers, floats and complex numbers");
  CHECK(refusal(npy(header("''", "(1,)"), "x")) ==
        "its dtype '' is none of bool, integers, floats and complex numbers");
  CHECK(refusal(npy(header("'>f4'", "(1,)"), "1234")) ==
        "its numbers are big-endian; save them little-endian ('<')");
  CHECK(refusal(npy(header("'<f4'", "(2,)"), "1234")) ==
        "its header says float32[2], that is 8 bytes, and 4 bytes of data follow");
  CHECK(refusal(npy(header("'<f4'", "(9223372036854775807, 9)"), "1234")) ==
        "its header says float32[9223372036854775807,9], more than memory can hold, and 4 bytes of data "
        "follow");
  CHECK(refusal(npy(header("'|b1'", "(1,)"), "\2")) == "it holds a bool that is neither 0 nor 1");
  CHECK(refusal(npy(std::string(65536, ' '), "", '\2')).find("accepted") != 0);

  const std::string broken = "its .npy header is not {'descr': ..., 'fortran_order': ..., 'shape': ...}";
  for (const std::string& text :
       {std::string("{}"), std::string("["), header("'|f4'", "(1,)"), header("'<f4'", "(-1,)"),
        header("'<f4'", "(1 1)"), header("'<f4'", "(1,"), header("'<f4'", "[1]"),
        header("'<f4'", "(99999999999999999999,)"), header("'<f4'", "(1,), 'more': 1"),
        header("'<f4", "(1,)").substr(0, 14), header("'<f4'", "(1,)") + "!",
        std::string("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}"),
        std::string("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}")}) {
    INFO(text);
    CHECK(refusal(npy(text, "1234")) == broken);
  }
}

TEST_CASE("every truncation and every changed byte of a file is read or refused") {
  const std::string file = npy("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2), }", "12345678");
  for (std::size_t length = 0; length < file.size(); ++length)
    CHECK(refusal(file.substr(0, length)) != "accepted");
  for (std::size_t i = 0; i < file.size(); ++i) {
    for (int value = 0; value < 256; ++value) {
      std::string changed = file;
      changed[i] = static_cast<char>(value);
      refusal(changed);
    }
  }
}

TEST_CASE("a file is mapped; one that is missing or no file is refused") {
  const TemporaryFolder folder;
  const std::string path = folder.write("a.npy", npy_bytes(Tensor::floats({2}, {1, 2})));
  CHECK(read_npy(path).to_vector<float>() == std::vector<float>{1, 2});
  CHECK(read_npy_header(path).dims == Dims{2});
  CHECK_THROWS_AS(read_npy(folder.str()), Fatal);
  CHECK_THROWS_AS(read_npy(path + "x"), Fatal);
}
