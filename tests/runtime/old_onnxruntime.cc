/// A library that has ONNX Runtime's one symbol and is too old for any interface that qprep asks for. The
/// struct is laid out as OrtApiBase.
namespace {

struct ApiBase {
  const void* (*get_api)(unsigned);
  const char* (*get_version)();
};

const void* no_api(unsigned) { return nullptr; }
const char* version() { return "1.2.0"; }
constexpr ApiBase kBase = {no_api, version};

}  // namespace

extern "C" const ApiBase* OrtGetApiBase() { return &kBase; }
