"""Read ONNX files: the only room that imports onnx and numpy."""
