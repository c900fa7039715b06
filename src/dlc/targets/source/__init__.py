"""Python source that reads as if written by hand: what all targets that write it share. It knows no framework.

In the order of the data:
    names      identifiers and strings that foreign names become
    marks      literals, blocks, options and choices that stay recognisable inside generated text
    code       expressions with precedence, and marked literals (`lit`, `option`)
    dims       symbolic sizes as expressions over `x.shape`
    dialect    what a framework adds: expressions of nodes (`Site`), modules (`Layer`), how classes look (`Dialect`)
    shared     instances that are called with inputs of several sizes
    captures   weights that regions capture
    reconcile  steps that some specialisations of a block have and others lack
    layers     which nodes own their weights and are therefore members of a class, and the tree that labels make
    scope      variables of one function: which name holds which value
    steps      what happens in one statement, and what is nested in it
    body       the statements of one graph
    fragment   the code of one graph: construction and computation
    unify      specialisations of one block become one class with constructor parameters
    module     the file: header, imports, classes, load()
    layout     long lines broken as `ruff format` breaks them
    tensors    safetensors written one tensor at a time
"""
