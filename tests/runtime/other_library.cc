/// A library that is not ONNX Runtime.
extern "C" int qprep_other_library() { return 0; }
