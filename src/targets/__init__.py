"""Objects that a configuration names by `_target_`, as for Hydra's `instantiate`: checked by signature, then made.

    _target_: my_package.models.Mine    # the whole dotted name of a class or function
    depth: 3                            # its arguments by name; sections with a _target_ are made first
    _args_: [1, 2]                      # its first arguments by place
    _partial_: true                     # make functools.partial of it instead
    _recursive_: false                  # leave sections inside it as they are

Left out on purpose: Hydra itself, because prediction must do without it; and whether a name may be imported at all,
which whoever read it decides before (`src.runs.trust`).
"""
