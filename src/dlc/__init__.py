"""dlc: one model, every framework.

    import dlc
    model = dlc.load("mnist.dl", classes=10)
    model.to("keras", "out")
    run = model.executor()
    logits = run(image=array)["logits"]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dlc.journeys.api import LoadedModel, load

__version__ = "0.1.0"
__all__ = ["LoadedModel", "__version__", "load"]


def __getattr__(name: str) -> Any:
    """The public functions are found when they are asked for, so that importing dlc costs nothing."""
    if name not in __all__:
        raise AttributeError(f"module 'dlc' has no attribute {name!r}")
    from dlc.journeys import api
    return getattr(api, name)
