"""Every operation, declared once: a class each, a file per family. Importing it fills the table in `dlc.ir.op`.

A new family file is found by itself: every module in this folder is imported.
"""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
