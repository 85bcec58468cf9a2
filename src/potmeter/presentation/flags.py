"""What a parameter's flag is called on the command line."""

FLAG_NAMES = {"source": "data", "from_": "from"}
"""Parameters whose flag is called otherwise."""


def flag_name(parameter: str) -> str:
    """A parameter's flag without its dashes: ``batch_size`` is ``batch-size``, ``source`` is ``data``."""
    return FLAG_NAMES.get(parameter, parameter).replace("_", "-")
