"""PyTorch for the modules of exercises, imported when it is first used: `from utils.exercises.lazy import torch`."""

import importlib


class Lazy:
    """Stands for a module until one of its names is asked for."""

    def __init__(self, name):
        self._name = name

    def __getattr__(self, attribute):
        if attribute.startswith("__"):  # inspect and pytest ask every object for these
            raise AttributeError(attribute)
        return getattr(importlib.import_module(self._name), attribute)


torch = Lazy("torch")
F = Lazy("torch.nn.functional")
