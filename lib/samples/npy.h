#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ir/tensor.h"

/// NumPy's .npy files, versions 1.0 to 3.0: bool, integers, floats and complex numbers, little-endian.
/// Fortran order is turned into C order. Objects, strings, records, dates and big-endian numbers are refused,
/// as is every byte that the format does not allow: Fatal(kBadSample) with the file's name and what was
/// expected.
namespace qprep {

/// What a .npy file's header says.
struct NpyHeader {
  DType dtype = DType::kUndefined;
  Dims dims;
  bool fortran_order = false;
  std::size_t data_offset = 0;  // bytes before the first element
};

/// Given: `file` names the bytes in messages. Result: the header, and bytes.size() is right for it.
NpyHeader parse_npy_header(std::span<const std::byte> bytes, const std::string& file);
/// The same where `bytes` are only the beginning, with the whole header, of a file of `size` bytes.
NpyHeader parse_npy_header(std::span<const std::byte> bytes, const std::string& file, std::size_t size);

/// The tensor; in C order it is a view into `bytes`, which `owner` keeps alive.
Tensor parse_npy(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                 const std::string& file);

/// The tensor in a file, mapped.
Tensor read_npy(const std::string& path);
NpyHeader read_npy_header(const std::string& path);

/// The bytes of a version 1.0 file. Given: a dtype that NumPy has (std::invalid_argument).
std::vector<std::byte> npy_bytes(const Tensor& tensor);

}  // namespace qprep
