"""Measure this machine with ONNX Runtime and fit the constants of the time formula."""
