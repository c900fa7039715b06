"""Images as inputs of a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dlc.diagnostics import Diagnostic, DlcError
from dlc.ir.dim import Dim
from dlc.ir.graph import Input
from dlc.ir.types import Array
from dlc.targets.target import need

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")
MOST_PIXELS = 2**28
"""Larger images are refused before they are decoded."""


def read_image(path: Path, value: Input, layout: str | None) -> Array:
    """An image in the shape and element type of an input.

    The input has the axes [N, C, H, W], or [N, H, W, C] where the model's layout is NHWC, or these without N, or
    [H, W]; C is 1 (grey), 3 (RGB) or 4 (RGBA). Numbers are from 0 to 1 for floating-point inputs, from 0 to 255 for
    integers. Where the input's height or width is a number, the image is resized to it (bilinear); a batch axis gets
    the size 1.
    """
    batched, channels, height, width = _axes(value, layout)
    pixels = _decode(path, {1: "L", 3: "RGB", 4: "RGBA"}[channels], _size(height), _size(width))
    if value.type.dtype.is_float:
        array = (pixels.astype(np.float32) / 255).astype(value.type.dtype.numpy)
    else:
        array = pixels.astype(value.type.dtype.numpy)
    if value.type.rank == 2:
        return array
    array = array.reshape(*array.shape[:2], channels)
    array = array if layout == "NHWC" else array.transpose(2, 0, 1)
    return np.ascontiguousarray(array[None] if batched else array)


def _axes(value: Input, layout: str | None) -> tuple[bool, int, Dim, Dim]:
    """Whether there is a batch axis, the number of channels, and the sizes of height and width."""
    shape = value.type.shape
    if len(shape) == 2:
        return False, 1, shape[0], shape[1]
    if len(shape) not in (3, 4):
        raise _unfit(value, "an input of rank 2, 3 or 4")
    inner = shape[1:] if len(shape) == 4 else shape
    channels, height, width = (inner[2], inner[0], inner[1]) if layout == "NHWC" else inner
    if not isinstance(channels, int) or channels not in (1, 3, 4):
        raise _unfit(value, f"1, 3 or 4 channels ({layout or 'NCHW'})")
    return len(shape) == 4, channels, height, width


def _unfit(value: Input, expected: str) -> DlcError:
    return DlcError(Diagnostic("E0557", f"the input `{value.name}` takes no image", value.span, expected=expected,
                               found=str(value.type)))


def _size(dim: Dim) -> int | None:
    return dim if isinstance(dim, int) else None


def _decode(path: Path, mode: str, height: int | None, width: int | None) -> Array:
    """The pixels [H, W] or [H, W, C] as u8."""
    Image = need("PIL.Image", "images")
    try:
        with Image.open(path) as image:
            if image.width * image.height > MOST_PIXELS:
                raise DlcError(Diagnostic("E0550", f"{path} is too large to read", None,
                                          expected=f"at most {MOST_PIXELS:,} pixels",
                                          found=f"{image.width} x {image.height}"))
            converted: Any = image.convert(mode)
            wanted = width or image.width, height or image.height
            if wanted != converted.size:
                converted = converted.resize(wanted, Image.Resampling.BILINEAR)
            return np.asarray(converted, np.uint8)
    except FileNotFoundError as error:
        raise DlcError(Diagnostic("E0551", f"cannot read {path}: {error.strerror}", None)) from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DlcError(Diagnostic("E0552", f"{path} is no image that can be read: {error}", None)) from error
