"""From the syntax tree to the typed graph.

`values` what expressions are worth; `context` the state; `names`, `sizes`, `kinds` what is written in types and names;
`statements`, `operators`, `indexing`, `calls`, `control` one kind of syntax each; `layers`, `blocks`, `models` what
owns weights; `assumptions` what is known of sizes; `modules` files; `run` puts them together.
"""

from dlc.language.elaborate.modules import Library
from dlc.language.elaborate.run import check_module, elaborate
from dlc.language.elaborate.values import Module

__all__ = ["Library", "Module", "check_module", "elaborate"]
