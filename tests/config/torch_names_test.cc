#include "config/torch_names.h"

#include <catch2/catch.hpp>

using namespace qprep;

namespace {

using Words = std::vector<std::string>;

Words operators(const std::string& word) {
  const auto type = torch_type(word);
  return type ? type->operators : Words{};
}

}  // namespace

TEST_CASE("A class is the same however its module is written") {
  for (const char* word : {"torch.nn.Conv2d", "nn.Conv2d", "Conv2d", "torch.nn.modules.conv.Conv2d",
                           "horizon_plugin_pytorch.nn.Conv2d"}) {
    CHECK(operators(word) == Words{"Conv2d"});
  }
  CHECK(operators("nn.Linear") == Words{"Gemm", "MatMul"});
  CHECK(operators("torch.nn.ReLU6") == Words{"Clip"});
}

TEST_CASE("Functions, methods and operators of ATen are known") {
  for (const char* word :
       {"torch.add", "operator.add", "add", "torch.Tensor.add", "torch.ops.aten.add.Tensor"}) {
    CHECK(operators(word) == Words{"Add"});
  }
  for (const char* word :
       {"F.relu", "torch.nn.functional.relu", "torch.relu", "torch.ops.aten.relu.default"}) {
    CHECK(operators(word) == Words{"Relu"});
  }
}

TEST_CASE("An ONNX operator is itself") {
  CHECK(operators("Conv") == Words{"Conv"});
  CHECK(operators("com.microsoft::FusedConv") == Words{"com.microsoft::FusedConv"});
}

TEST_CASE("A class and a function are not taken for each other") {
  CHECK(operators("torch.nn.add").empty());
  CHECK(operators("F.Conv2d").empty());
}

TEST_CASE("A word that means nothing is explained") {
  CHECK(why_no_torch_type("torch.nn.Con2d") ==
        "'torch.nn.Con2d' is nothing of PyTorch that becomes an operator (did you mean 'Conv2d'?)");
  CHECK(why_no_torch_type("reul") ==
        "'reul' is no function of PyTorch that becomes an operator (did you mean 'relu'?); ONNX operators "
        "begin "
        "with a capital");
  CHECK(why_no_torch_type("nn.SiLU") ==
        "'nn.SiLU' becomes several operators in a model file, which others may be, too; name its module by "
        "module_name");
  CHECK(why_no_torch_type("mmdet.Head") ==
        "'mmdet.Head' is no class or function of PyTorch, and a model file does not keep classes of other "
        "packages; name its modules by module_name");
  CHECK_FALSE(torch_type("SiLU"));
  CHECK_FALSE(torch_type(""));
  CHECK_FALSE(torch_type("nn."));
}
