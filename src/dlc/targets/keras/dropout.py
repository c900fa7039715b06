"""Dropout and noise: layers, so that they act in training alone."""

from __future__ import annotations

from dlc.targets.keras.table import TABLE, Result, Site, call, lit, weightless

_LAYERS = {"dropout": "Dropout", "alpha_dropout": "AlphaDropout", "gaussian_dropout": "GaussianDropout",
           "gaussian_noise": "GaussianNoise", "dropout1d": "SpatialDropout1D", "dropout2d": "SpatialDropout2D",
           "dropout3d": "SpatialDropout3D"}


@TABLE.writes(*_LAYERS, when=lambda node: node.attributes.get("layout", "NHWC") == "NHWC")
def dropout(site: Site) -> Result:
    if not site.function.is_method:
        return site.x
    name = site.node.op.name
    amount = lit(site["std"], "stddev") if name == "gaussian_noise" else lit(site["p"], "rate")
    return call(weightless(site, name, call(f"layers.{_LAYERS[name]}", amount)), site.x)
