"""A run in forms that other programs read: safetensors, ONNX and torch.export, each with tokenizer and configuration.

Every export is checked before it is there: the runtime that will read it must say what the run says.
"""
