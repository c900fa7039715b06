"""One `.keras` file, saved by Keras itself from a written folder.

Where it can be, the model is saved as one functional graph of Keras' own layers and operations: such a file is loaded
with nothing but Keras. Other models are saved with their classes, which have to be imported before the file is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from dlc.targets.keras.modules import load_module
from dlc.targets.keras.start import start_keras


def save_file(folder: Path, where: Path, *, openly: bool) -> list[str]:
    """Save the model of a folder; sentences about what a reader must know.

    openly: whether everything in it has a symbolic form, so that it may be saved without its classes.
    """
    keras = start_keras()
    module = load_module(folder / "model.py")
    model = _opened(keras, module) if openly else None
    if model is not None:
        try:
            model.save(where)
            keras.models.load_model(where)
            return []
        except (TypeError, ValueError, AttributeError):
            where.unlink(missing_ok=True)
    module.load().save(where)
    return [f"{where.name} holds classes of its own: import model.py of the folder form before loading it"]


def _opened(keras: Any, module: ModuleType) -> Any:
    """The model as a graph of Keras' own layers and operations, None where it cannot be one."""
    classes = [c for c in vars(module).values() if isinstance(c, type) and issubclass(c, keras.layers.Layer)]
    try:
        with _called_openly(classes):
            model = module.load()
    except (TypeError, ValueError, AttributeError, IndexError, NotImplementedError):
        return None
    return None if any(type(layer) in classes for layer in model.layers) else model


@contextmanager
def _called_openly(classes: list[type]) -> Iterator[None]:
    """Within it, calling such a layer runs its `call` on the symbolic tensors, so that no layer is made of it."""
    for one in classes:
        one.__call__ = lambda self, *given, **options: self.call(*given, **options)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for one in classes:
            del one.__call__
