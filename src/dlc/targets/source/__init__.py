"""Python source that reads as if written by hand: what all targets that write it share. It knows no framework.

In the order of the data:
    names     identifiers and strings that foreign names become
    code      expressions with precedence, and literals that are marked as such (`lit`)
    dims      symbolic sizes as expressions over `x.shape`
    layers    which nodes own their weights and are therefore members of a class, and the tree that labels make
    scope     variables of one function: names, what is nested, what is dead
    body      the statements of one graph; a framework gives the expression of each node through a `Dialect`
    unify     specialisations of one block become one class with constructor parameters
    module    the file: header, imports, classes, load()
    layout    long lines broken as `ruff format` breaks them
"""
