"""Noise in training: modules without weights, so that `train()` and `eval()` switch it."""

from __future__ import annotations

from dlc.targets.torch.table import TABLE, Result, Site, call, channels_back, channels_first, lit

_MODULES = {"dropout": "Dropout", "alpha_dropout": "AlphaDropout", "dropout1d": "Dropout1d", "dropout2d": "Dropout2d",
            "dropout3d": "Dropout3d"}


@TABLE.writes(*_MODULES)
def dropout(site: Site) -> Result:
    if not site.function.is_method:
        return site.x
    name = site.node.op.name
    chance = [] if site["p"] == 0.5 else [lit(site["p"], "p")]
    module = site.function.owned(name, call(f"nn.{_MODULES[name]}", *chance))
    if "layout" not in site.node.attributes:
        return call(module, site.x)
    rank, layout = site.type().rank, site["layout"]
    return channels_back(call(module, channels_first(site.x, rank, layout)), rank, layout)


_NOISE = '''
def gaussian_noise(x, std, training):
    """Add normal noise in training."""
    return x + std * torch.randn_like(x) if training else x
'''
_FACTOR = '''
def gaussian_dropout(x, p, training):
    """Multiply by normal noise of mean 1 in training."""
    return x * (1 + (p / (1 - p)) ** 0.5 * torch.randn_like(x)) if training else x
'''


@TABLE.writes("gaussian_noise", "gaussian_dropout")
def gaussian(site: Site) -> Result:
    if not site.function.is_method:
        return site.x
    name = site.node.op.name
    site.function.helper(_NOISE if name == "gaussian_noise" else _FACTOR)
    return call(name, site.x, site.lit("std" if name == "gaussian_noise" else "p"), "self.training")
